"""The patterns of an engagement, with the records behind them that one may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.text import capfirst

from engagements.models import Engagement, User
from tracker.admin.rows_behind import Window, rows_behind
from tracker.fit.pattern import Finding
from tracker.fit.services import patterns_seen


@dataclass(frozen=True)
class PatternRow:
    """`behind` are name and address of each other engagement that the reader may see.

    `hidden` counts those that are not told.  `records` are the rows that it is told
    from, `href` the list of those of engagements that the reader sees; blank for none.
    """

    label: str
    sentence: str
    value: str
    threshold: str
    advice: str
    behind: list[tuple[str, str]]
    hidden: int
    records: int
    href: str


def patterns_for(engagement: Engagement, as_of: date, user: User) -> list[PatternRow]:
    alone = Engagement.objects.filter(pk=engagement.pk)
    found = patterns_seen(engagements=alone, as_of=as_of).get(engagement.pk, [])
    others = {pk for finding in found for pk in finding.engagements} - {engagement.pk}
    visible = Engagement.objects.visible_to(user).filter(pk__in=others)
    seen = {one.pk: one for one in visible} if others else {}
    return [_row(finding, engagement, as_of, seen, user) for finding in found]


def _row(
    finding: Finding,
    engagement: Engagement,
    as_of: date,
    seen: Mapping[int, Engagement],
    user: User,
) -> PatternRow:
    others = [pk for pk in finding.engagements if pk != engagement.pk]
    behind = [seen[pk] for pk in others if pk in seen]
    pattern = finding.pattern
    window = Window.of(as_of, pattern.months)
    return PatternRow(
        label=finding.label,
        sentence=str(capfirst(finding.sentence)),
        value=finding.value,
        threshold=finding.threshold,
        advice=finding.advice,
        behind=[
            (str(one), reverse("admin:engagements_engagement_change", args=[one.pk]))
            for one in behind
        ],
        hidden=len(others) - len(behind),
        records=finding.records,
        href=rows_behind(pattern.rows, [engagement, *behind], window, user),
    )
