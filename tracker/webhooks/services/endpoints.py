"""Endpoints: made, changed, given another secret, turned off and on, tried."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import WrongStateError
from engagements.models import User
from engagements.services.records import change_record, create_record, delete_record
from tracker.webhooks.messages import body_of, test_message
from tracker.webhooks.models import (
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WhyDisabled,
)
from tracker.webhooks.public_types import TEST_TYPE
from tracker.webhooks.signing import draw_seed, secret_of

# So long a receiver that still has the previous secret is heard after a rotation.
PREVIOUS_VALID = timedelta(hours=24)
# Upon these something waits to be sent.
TESTED, REPLAYED = "webhook_endpoint.tested", "webhook_endpoint.message_replayed"
ASKS_TO_SEND = frozenset({TESTED, REPLAYED})
LONGEST_OVERLAP = timedelta(days=7)


@transaction.atomic
def create_endpoint(
    *, endpoint: WebhookEndpoint, actor: User | None
) -> tuple[WebhookEndpoint, str]:
    """Store a new endpoint and return it with its secret, to be shown this once.

    Raises ValidationError by field.
    """
    stored = create_record(record=endpoint, actor=actor)
    return stored, secret_of(stored.secret_seed)


@transaction.atomic
def change_endpoint(
    *,
    endpoint: WebhookEndpoint,
    expected_version: int | None = None,
    actor: User | None,
) -> WebhookEndpoint:
    """Store a changed name, address or choice of events.

    What waits goes to the new address. Raises ConflictError, and ValidationError by
    field.
    """
    return change_record(
        record=endpoint, expected_version=expected_version, actor=actor
    )


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, actor: User | None) -> None:
    """Remove an endpoint together with the log of its deliveries."""
    stored = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    delete_record(record=stored, actor=actor)


@transaction.atomic
def rotate_secret(
    *,
    endpoint: WebhookEndpoint,
    previous_valid: timedelta = PREVIOUS_VALID,
    actor: User | None,
) -> str:
    """Draw another secret and return it, to be shown this once.

    For so long messages carry two signatures, so that the receiver can change over
    without missing one. No time at all is for a secret that has leaked.
    """
    stored = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    has_overlap = previous_valid > timedelta(0)
    stored.previous_seed = stored.secret_seed if has_overlap else None
    stored.previous_until = timezone.now() + previous_valid if has_overlap else None
    stored.secret_seed = draw_seed()
    change_record(
        record=stored, event_type="webhook_endpoint.secret_rotated", actor=actor
    )
    return secret_of(stored.secret_seed)


@transaction.atomic
def disable_endpoint(
    *,
    endpoint: WebhookEndpoint,
    because: WhyDisabled = WhyDisabled.BY_HAND,
    actor: User | None,
) -> WebhookEndpoint:
    """Send no more there; what waits is given up, and can be replayed one day.

    On an endpoint that is off already this changes nothing.
    """
    stored = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if not stored.is_enabled:
        return stored
    stored.is_enabled = False
    stored.disabled_because = because
    change_record(record=stored, event_type="webhook_endpoint.disabled", actor=actor)
    WebhookDelivery.objects.filter(
        endpoint=stored, state=DeliveryState.WAITING
    ).exclude(event_type=TEST_TYPE).update(
        state=DeliveryState.DEAD,
        last_error=_("The endpoint was turned off."),
        updated_at=timezone.now(),
    )
    return stored


@transaction.atomic
def enable_endpoint(
    *, endpoint: WebhookEndpoint, actor: User | None
) -> WebhookEndpoint:
    """Send there again, from the next event on."""
    stored = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if stored.is_enabled:
        return stored
    stored.is_enabled = True
    stored.disabled_because = ""
    stored.failures = 0
    stored.failing_since = stored.paused_until = None
    return change_record(
        record=stored, event_type="webhook_endpoint.enabled", actor=actor
    )


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, actor: User | None) -> WebhookDelivery:
    """Queue a message that says nothing; endpoints that are off get it as well."""
    number, now = uuid.uuid4(), timezone.now()
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=str(number),
        event_type=TEST_TYPE,
        body=body_of(test_message(number=number, at=now)),
        due_at=now,
    )
    # Somebody waits for it: it is sent at once, whatever came before it.
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)
    events.record(
        event_type=TESTED,
        subject=endpoint,
        changes={"message": [None, delivery.message_id]},
        actor=actor,
    )
    return delivery


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, actor: User | None) -> None:
    """Send a message once more, under the same id, with the schedule begun anew.

    Raises WrongStateError while it waits anyway, and where its endpoint is off.
    """
    stored = (
        WebhookDelivery.objects.select_for_update(of=("self",))
        .select_related("endpoint")
        .get(pk=delivery.pk)
    )
    if stored.state == DeliveryState.WAITING:
        raise WrongStateError(_("This message is waiting to be sent already."))
    if not stored.endpoint.is_enabled and stored.event_type != TEST_TYPE:
        raise WrongStateError(_("Turn the endpoint on first: nothing is sent there."))
    stored.state = DeliveryState.WAITING
    stored.attempts = 0
    stored.due_at = timezone.now()
    stored.delivered_at = None
    stored.save(
        update_fields=["state", "attempts", "due_at", "delivered_at", "updated_at"]
    )
    events.record(
        event_type=REPLAYED,
        subject=stored.endpoint,
        changes={"message": [None, stored.message_id]},
        actor=actor,
    )
