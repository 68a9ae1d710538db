"""A webhook endpoint that is off, with the log of how that came about."""

from datetime import datetime, timedelta

from tracker.demo.founding import Cast
from tracker.webhooks.messages import body_of, message_of
from tracker.webhooks.models import (
    DeliveryState,
    PublishedEvent,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WhyDisabled,
)
from tracker.webhooks.services import (
    create_endpoint,
    disable_endpoint,
    publish_events,
)

TYPES = [
    "engagement.started",
    "engagement.ended",
    "contractor.created",
    "contractor.ended",
]
# What each message met with, attempt by attempt: status, error and answer.
OUTCOMES: list[list[tuple[int | None, str, str]]] = [
    [(200, "", '{"received":true}')],
    [(200, "", '{"received":true}')],
    [
        (503, "It answered 503.", "Down for maintenance"),
        (200, "", '{"received":true}'),
    ],
    [(200, "", '{"received":true}')],
    [
        (None, "No whole answer within 15 seconds.", ""),
        (410, "It answered 410.", "This integration was removed."),
    ],
]
# From the event to its first post, and from there to the next.
AFTER, BETWEEN = timedelta(seconds=1), timedelta(seconds=20)


def send_some(cast: Cast) -> None:
    """Publish the company's events, and tell of a receiver that was taken down."""
    publish_events()
    endpoint, _secret = create_endpoint(
        endpoint=WebhookEndpoint(
            name="HR suite (sample)",
            url="https://hooks.example.com/engagements",
            event_types=TYPES,
            owner=cast.people["hr"],
        ),
        actor=cast.people["admin"],
    )
    told = PublishedEvent.objects.filter(event_type__in=TYPES).select_related("event")
    latest = list(told.order_by("-id")[: len(OUTCOMES)])
    for published, outcomes in zip(reversed(latest), OUTCOMES, strict=False):
        at = published.event.occurred_at + AFTER
        _send(endpoint, published, outcomes, at=at)
    disable_endpoint(endpoint=endpoint, because=WhyDisabled.GONE, actor=None)


def _send(
    endpoint: WebhookEndpoint,
    published: PublishedEvent,
    outcomes: list[tuple[int | None, str, str]],
    *,
    at: datetime,
) -> None:
    status, error, _answer = outcomes[-1]
    is_taken = status == 200
    last_at = at + (len(outcomes) - 1) * BETWEEN
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        published=published,
        message_id=str(published.event.public_id),
        event_type=published.event_type,
        body=body_of(message_of(published)),
        state=DeliveryState.DELIVERED if is_taken else DeliveryState.DEAD,
        attempts=len(outcomes),
        due_at=last_at,
        created_at=at,
        delivered_at=last_at if is_taken else None,
        last_status=status,
        last_error=error,
    )
    WebhookAttempt.objects.bulk_create(
        WebhookAttempt(
            delivery=delivery,
            number=number,
            made_at=at + (number - 1) * BETWEEN,
            milliseconds=15_000 if told[0] is None else 180 + 7 * number,
            status=told[0],
            error=told[1],
            answer=told[2],
        )
        for number, told in enumerate(outcomes, start=1)
    )
