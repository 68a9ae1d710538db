"""Events get their place in the stream after they were committed, in one process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from engagements.models import Engagement, Event
from tracker.webhooks.messages import body_of, message_of
from tracker.webhooks.models import (
    PublishedEvent,
    StreamHead,
    UnpublishedEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from tracker.webhooks.public_types import (
    changed_names,
    is_perhaps_public,
    public_type_of,
)
from tracker.webhooks.queries import published_to

BATCH = 500


@dataclass(frozen=True)
class Published:
    """What a run did."""

    events: int = 0
    deliveries: int = 0


def keep_for_publishing(events: Iterable[Event], **_: Any) -> None:
    """Put public events into the outbox, in the transaction that wrote them."""
    rows = [UnpublishedEvent(event=each) for each in events if is_perhaps_public(each)]
    if rows:
        UnpublishedEvent.objects.bulk_create(rows, batch_size=BATCH)


def publish_events() -> Published:
    """Number what was committed since, and make out who is to hear of it.

    A batch is one transaction. Where another process is at it, nothing is left to do.
    """
    done = Published()
    while True:
        batch, is_more = _publish_batch()
        done = Published(done.events + batch.events, done.deliveries + batch.deliveries)
        if not is_more:
            return done


@transaction.atomic
def _publish_batch() -> tuple[Published, bool]:
    head = locked_head()
    if head is None:
        return Published(), False
    waiting = list(
        UnpublishedEvent.objects.select_related("event").order_by("pk")[:BATCH]
    )
    if not waiting:
        return Published(), False
    rows = _rows([each.event for each in waiting])
    # One after the other: the order of ids is the order in which they are read.
    published = PublishedEvent.objects.bulk_create(rows)
    deliveries = _deliveries(published)
    WebhookDelivery.objects.bulk_create(deliveries, batch_size=BATCH)
    UnpublishedEvent.objects.filter(pk__in=[each.pk for each in waiting]).delete()
    head.published_at = timezone.now()
    head.save(update_fields=["published_at"])
    return Published(len(published), len(deliveries)), len(waiting) == BATCH


def locked_head() -> StreamHead | None:
    """Return the head of the stream, locked; None where another process has it."""
    rows = StreamHead.objects.select_for_update(skip_locked=True)
    head = rows.first()
    if head is None and not StreamHead.objects.exists():
        # Only then: an insert waits for whoever is changing the row.
        StreamHead.objects.bulk_create([StreamHead(pk=1)], ignore_conflicts=True)
        head = rows.first()
    return head


@dataclass(frozen=True)
class _Of:
    """Whose engagement it is, as rows of the stream keep it."""

    public_id: Any = None
    manager_id: int | None = None
    department_id: int | None = None


def _rows(events: list[Event]) -> list[PublishedEvent]:
    known = _engagements(events)
    rows = [_row(event, known) for event in events]
    return [row for row in rows if row is not None]


def _row(event: Event, known: Mapping[int | None, _Of]) -> PublishedEvent | None:
    public_type = public_type_of(event)
    if public_type is None:
        return None
    of = known.get(event.engagement_id, _Of())
    is_about_engagement = public_type.noun == "engagement"
    engagement_public_id = of.public_id
    if is_about_engagement and public_type.is_tombstone:
        engagement_public_id = event.subject_public_id
    return PublishedEvent(
        event=event,
        event_type=public_type.name,
        subject_id=event.subject_id,
        subject_public_id=engagement_public_id
        if is_about_engagement
        else event.subject_public_id,
        engagement_id=event.engagement_id,
        engagement_public_id=engagement_public_id,
        manager_id=of.manager_id,
        department_id=of.department_id,
        changed=changed_names(event, public_type.noun),
    )


def _engagements(events: list[Event]) -> Mapping[int | None, _Of]:
    """Return whose the engagements are; of those deleted, whose they last were."""
    wanted = {each.engagement_id for each in events if each.engagement_id is not None}
    columns = ("public_id", "manager_id", "department_id")
    found: dict[int | None, _Of] = {
        pk: _Of(*rest)
        for pk, *rest in Engagement.objects.filter(pk__in=wanted).values_list(
            "pk", *columns
        )
    }
    gone = wanted - found.keys()
    if gone:
        last_told = (
            PublishedEvent.objects.filter(engagement_id__in=gone)
            .order_by("pk")
            .values_list(
                *("engagement_id", "engagement_public_id"),
                *("manager_id", "department_id"),
            )
        )
        found |= {pk: _Of(*rest) for pk, *rest in last_told}
    return found


def _deliveries(published: list[PublishedEvent]) -> list[WebhookDelivery]:
    """Return what each endpoint is to be sent: its types, and its owner's rows."""
    endpoints = WebhookEndpoint.objects.filter(
        is_enabled=True, owner__is_active=True
    ).select_related("owner")
    return [
        WebhookDelivery(
            endpoint=endpoint,
            published=each,
            message_id=str(each.event.public_id),
            event_type=each.event_type,
            body=body_of(message_of(each)),
        )
        for endpoint in endpoints.order_by("pk")
        for each in _heard_by(endpoint, published)
    ]


def _heard_by(
    endpoint: WebhookEndpoint, published: list[PublishedEvent]
) -> list[PublishedEvent]:
    wanted = {
        each.pk: each for each in published if each.event_type in endpoint.event_types
    }
    if not wanted:
        return []
    seen = published_to(endpoint.owner).filter(pk__in=wanted)
    return [wanted[pk] for pk in seen.order_by("pk").values_list("pk", flat=True)]
