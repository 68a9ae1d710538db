"""The one way to write an event."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from engagements import request_id
from engagements.models import Engagement, Event, User

# A field's value before and after, as JSON; the API's and the history page's shape.
Changes = Mapping[str, Any]

HIDDEN = "(personal)"

# Sent inside the transaction, with the list of `events` that were written.
recorded = Signal()


def record(
    *,
    event_type: str,
    subject: models.Model,
    changes: Changes | None = None,
    engagement: Engagement | None = None,
    actor: User | None,
) -> Event:
    """Write one event in the transaction of the change that it tells of.

    `event_type` is dotted and past tense, such as `engagement.terms_amended`.
    Raises RuntimeError outside a transaction: an event must not outlive its change.
    """
    event = draft(
        event_type=event_type,
        subject=subject,
        changes=changes,
        engagement=engagement,
        actor=actor,
    )
    return record_all([event])[0]


def draft(
    *,
    event_type: str,
    subject: models.Model,
    changes: Changes | None = None,
    engagement: Engagement | None = None,
    actor: User | None,
) -> Event:
    """Return an unsaved event, for `record_all`."""
    if engagement is None and isinstance(subject, Engagement):
        engagement = subject
    return Event(
        event_type=event_type,
        subject_type=str(subject._meta.model_name),
        subject_id=subject.pk,
        subject_public_id=getattr(subject, "public_id", None),
        engagement_id=engagement.pk if engagement else None,
        actor=actor,
        occurred_at=timezone.now(),
        changes=dict(changes or {}),
        request_id=request_id.current(),
    )


def record_all(events: Iterable[Event]) -> list[Event]:
    """Write many drafted events at once."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Events are written in the transaction of their change.")
    written = Event.objects.bulk_create(list(events), batch_size=500)
    recorded.send(sender=Event, events=written)
    return written


def difference(before: models.Model | None, after: models.Model) -> dict[str, Any]:
    """Return `{field: [before, after]}` of the stored fields that differ.

    Personal fields say only that they changed.
    """
    personal: frozenset[str] = getattr(after, "PERSONAL_FIELDS", frozenset())
    changes: dict[str, Any] = {}
    for field in after._meta.concrete_fields:
        if field.name in _UNTOLD or getattr(field, "primary_key", False):
            continue
        old = None if before is None else field.value_from_object(before)
        new = field.value_from_object(after)
        if old == new or (before is None and new in (None, "")):
            continue
        if field.name in personal:
            changes[field.name] = [HIDDEN, HIDDEN]
        else:
            changes[field.name] = [plain(old), plain(new)]
    return changes


def plain(value: Any) -> Any:
    """Return the value as JSON can hold it; decimals and dates become text."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return f"{value.normalize():f}"
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return str(value)


# Bookkeeping that says nothing to a reader of the history, or moves with the days.
_UNTOLD = frozenset(
    {
        "created_at",
        "updated_at",
        "version",
        "public_id",
        "last_login",
        "committed_until_on",
    }
)
