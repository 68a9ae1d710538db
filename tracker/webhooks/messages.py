"""An event as it is told: thin, so that whoever overhears it learns ids and no more."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tracker.webhooks.models import PublishedEvent
from tracker.webhooks.public_types import PUBLIC_TYPES, TEST_TYPE

Message = dict[str, Any]


def message_of(published: PublishedEvent) -> Message:
    """Return what the stream answers and webhooks send of an event, alike.

    Its `event` must be loaded.
    """
    public_type = PUBLIC_TYPES.get(published.event_type)
    return {
        "id": str(published.event.public_id),
        "type": published.event_type,
        "timestamp": in_utc(published.event.occurred_at),
        "data": {
            "object": published.event_type.partition(".")[0],
            "id": _text(published.subject_public_id),
            "engagement_id": _text(published.engagement_public_id),
            "changed": list(published.changed),
            "is_deleted": public_type is not None and public_type.is_tombstone,
        },
    }


def test_message(*, number: UUID, at: datetime) -> Message:
    return {
        "id": str(number),
        "type": TEST_TYPE,
        "timestamp": in_utc(at),
        "data": {
            "object": "webhook",
            "id": None,
            "engagement_id": None,
            "changed": [],
            "is_deleted": False,
        },
    }


def body_of(message: Message) -> str:
    return json.dumps(message, separators=(",", ":"))


def in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(number: UUID | None) -> str | None:
    return None if number is None else str(number)
