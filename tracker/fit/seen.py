"""The patterns that the latest night saw, as their reader may know of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from engagements.models import Engagement, User
from engagements.values.language import translated
from tracker.fit.models import SeenPattern
from tracker.fit.pattern import AnyPattern
from tracker.fit.patterns import all_patterns
from tracker.fit.queries import Viewer
from tracker.fit.reading import spoken


@dataclass(frozen=True)
class ToldPattern:
    """A pattern in the reader's language; `row` has its engagement.

    `behind` are the other engagements behind it that the reader may see, `hidden`
    counts those that are not told.
    """

    row: SeenPattern
    label: str
    advice: str
    sentence: str
    value: str
    threshold: str
    behind: tuple[Engagement, ...]
    hidden: int


def patterns_within(user: Viewer, engagements: Collection[int]) -> list[ToldPattern]:
    """What shows in these engagements; two queries, as `patterns_among` tells it."""
    found = patterns_told(user, _newest_first(user))
    return _once([told for told in found if told.row.engagement_id in engagements])


def patterns_among(user: User, engagements: Collection[int]) -> list[ToldPattern]:
    """What shows in these few engagements, and in those that the user manages.

    The newest first. Of a team, or of all that one manager supervises, once. Two
    queries, however many there are; none for who sees no verdicts.
    """
    if not user.has_perm("tracker.view_assessment"):
        return []
    asked = Q(engagement__in=engagements) | Q(engagement__manager=user)
    return _once(patterns_told(user, _newest_first(user).filter(asked)))


def _newest_first(user: Viewer) -> QuerySet[SeenPattern]:
    rows: QuerySet[SeenPattern] = SeenPattern.objects.visible_to(user)
    return rows.order_by("-seen_since", "code", "engagement__reference")


def _once(found: Iterable[ToldPattern]) -> list[ToldPattern]:
    first: dict[tuple[str, tuple[int, ...]], ToldPattern] = {}
    for told in found:
        first.setdefault((told.row.code, tuple(told.row.behind)), told)
    return list(first.values())


def patterns_told(user: Viewer, rows: QuerySet[SeenPattern]) -> list[ToldPattern]:
    """The patterns in their order; two queries, however many there are."""
    found = list(rows.select_related("engagement__vendor"))
    others = {pk for row in found for pk in row.behind if pk != row.engagement_id}
    visible = Engagement.objects.visible_to(user).filter(pk__in=others)
    seen = {one.pk: one for one in visible.order_by("pk")}
    declared = {pattern.code: pattern for pattern in all_patterns()}
    return [_told(row, declared, seen) for row in found]


def _told(
    row: SeenPattern,
    declared: Mapping[str, AnyPattern],
    seen: Mapping[int, Engagement],
) -> ToldPattern:
    others = [pk for pk in row.behind if pk != row.engagement_id]
    pattern = declared.get(row.code)
    said = spoken(row.wordings) or (row.sentence, row.value, row.threshold)
    sentence, value, threshold = said
    return ToldPattern(
        row=row,
        # A pattern that the product no longer has shows until the next night.
        label=translated(pattern.label) if pattern else row.code,
        advice=translated(pattern.advice) if pattern else "",
        sentence=sentence,
        value=value,
        threshold=threshold,
        behind=tuple(seen[pk] for pk in others if pk in seen),
        hidden=sum(pk not in seen for pk in others),
    )
