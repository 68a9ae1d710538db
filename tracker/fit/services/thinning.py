"""What is kept of assessments once their months are long past."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from engagements.values.periods import add_months, month_of
from tracker.fit.conversions import groups_converted
from tracker.fit.models import Assessment, Decision, Flag

# Whole months, besides the one that runs, of which every assessment is kept.
KEPT_WHOLE = 3
AT_ONCE = 500


def thin_assessments(*, today: date) -> int:
    """Delete what a month long past has besides its last word; returns how many.

    Each engagement keeps, under each policy, the last assessment of every month, the
    one on whose day a flag was raised or cleared, and the one known at each decision
    and when each conversion began: verdicts, flags, what decisions teach and what was
    predicted can be repeated as long as they are kept.
    """
    removed = 0
    while ids := _superfluous(today):
        with transaction.atomic():
            Assessment.objects.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed


def _superfluous(today: date) -> list[int]:
    """Some of those that may go, or none where nothing may."""
    later = Assessment.objects.filter(
        engagement=OuterRef("engagement"),
        policy=OuterRef("policy"),
        month=OuterRef("month"),
        as_of__gt=OuterRef("as_of"),
    )
    flags = Flag.objects.filter(engagement=OuterRef("engagement"))
    candidates = (
        Assessment.objects.filter(
            Exists(later), month__lt=add_months(month_of(today), -KEPT_WHOLE)
        )
        .exclude(Exists(flags.filter(raised_on=OuterRef("as_of"))))
        .exclude(Exists(flags.filter(cleared_on=OuterRef("as_of"))))
        .exclude(pk__in=set(_known_when_decided()))
        .order_by("pk")
    )
    return list(islice(candidates.values_list("pk", flat=True), AT_ONCE))


def _known_when_decided() -> Iterator[int]:
    """By engagement and decision or conversion, the latest assessment up to its day."""
    days: dict[int, set[date]] = {}
    rows = Decision.objects.order_by().values_list("flag__engagement_id", "at")
    for engagement, at in rows:
        days.setdefault(engagement, set()).add(timezone.localdate(at))
    for group in groups_converted():
        for one in group.before:
            days.setdefault(one.pk, set()).add(group.told_until(one))
    stored = Assessment.objects.filter(engagement__in=days).order_by(
        "engagement", "-as_of", "-policy__version"
    )
    known: dict[int, list[tuple[date, int]]] = {}
    for engagement, as_of, pk in stored.values_list("engagement_id", "as_of", "pk"):
        known.setdefault(engagement, []).append((as_of, pk))
    for engagement, decided_on in days.items():
        for day in decided_on:
            yield from _latest(known.get(engagement, ()), day)


def _latest(known: Iterable[tuple[date, int]], day: date) -> Iterable[int]:
    return islice((pk for as_of, pk in known if as_of <= day), 1)
