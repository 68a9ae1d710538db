"""What a record said before, told by the events that changed it since."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from engagements.models import Event
from engagements.values.periods import ONE_DAY

ENGAGEMENT = ("engagement", "managedcontract", "assignment")
SERVICE = ("service",)


def end_of(day: date) -> datetime:
    """The first moment after the day, where we are."""
    return timezone.make_aware(datetime.combine(day + ONE_DAY, time.min))


def values_on(
    day: date,
    *,
    subject_types: Sequence[str],
    ids: QuerySet[Any, Any],
    fields: Sequence[str],
) -> Mapping[int, Mapping[str, Any]]:
    """The values that these fields had at the day's end and have no more; one query.

    By the record's id, as JSON holds them.  What isn't named has not changed since.
    """
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    later = _changes(subject_types, ids, fields).filter(occurred_at__gte=end_of(day))
    for subject, changes in later.order_by("id"):
        for name in fields:
            if name in changes:
                # What stood before the first change since is what stood on the day.
                found[subject].setdefault(name, changes[name][0])
    return found


def earlier_values(
    *, subject_types: Sequence[str], ids: QuerySet[Any, Any], fields: Sequence[str]
) -> Mapping[int, list[Mapping[str, Any]]]:
    """By the record's id, what each change replaced, the latest change first."""
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for subject, changes in _changes(subject_types, ids, fields).order_by("-id"):
        replaced = {name: changes[name][0] for name in fields if name in changes}
        found[subject].append(replaced)
    return found


def _changes(
    subject_types: Sequence[str], ids: QuerySet[Any, Any], fields: Sequence[str]
) -> QuerySet[Event, tuple[int, Any]]:
    return Event.objects.filter(
        subject_type__in=list(subject_types),
        subject_id__in=ids,
        changes__has_any_keys=list(fields),
    ).values_list("subject_id", "changes")
