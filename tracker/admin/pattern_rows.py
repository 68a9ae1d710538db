"""The patterns of an engagement, with the records behind them that one may see."""

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.text import capfirst

from engagements.models import Engagement, User
from tracker.fit.services import patterns_seen


@dataclass(frozen=True)
class PatternRow:
    """`behind` are name and address of each engagement that the reader may see.

    `hidden` counts the others.
    """

    label: str
    sentence: str
    value: str
    threshold: str
    advice: str
    behind: list[tuple[str, str]]
    hidden: int


def patterns_for(engagement: Engagement, as_of: date, user: User) -> list[PatternRow]:
    alone = Engagement.objects.filter(pk=engagement.pk)
    found = patterns_seen(engagements=alone, as_of=as_of).get(engagement.pk, [])
    others = {pk for finding in found for pk in finding.engagements} - {engagement.pk}
    visible = Engagement.objects.visible_to(user).filter(pk__in=others)
    names = {one.pk: str(one) for one in visible} if others else {}
    return [
        PatternRow(
            label=finding.label,
            sentence=str(capfirst(finding.sentence)),
            value=finding.value,
            threshold=finding.threshold,
            advice=finding.advice,
            behind=[
                (names[pk], reverse("admin:engagements_engagement_change", args=[pk]))
                for pk in finding.engagements
                if pk in names
            ],
            hidden=len(set(finding.engagements) - names.keys() - {engagement.pk}),
        )
        for finding in found
    ]
