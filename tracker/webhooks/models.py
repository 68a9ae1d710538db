from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.choices import Role
from engagements.models import Event, User
from engagements.models.record import Record, has_length
from engagements.permissions import roles_of
from tracker.webhooks.addresses import LONGEST, AddressRefusedError, read_address
from tracker.webhooks.public_types import PUBLIC_TYPES
from tracker.webhooks.signing import SEED_LENGTH, draw_seed

# Those who keep the product running see everybody's endpoints.
OVERSEES = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


class UnpublishedEvent(models.Model):
    """An event that awaits its number; written in the transaction of its change.

    What is here was committed and nothing else was, so nothing is ever passed over.
    """

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )

    def __str__(self) -> str:
        return str(self.pk)


class StreamHead(models.Model):
    """One row, whose lock makes one process at a time number events.

    `delivering_until` keeps the sending for one process; its lease is renewed while it
    sends, and lapses where it was killed.
    """

    published_at = models.DateTimeField(null=True)
    delivering_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="stream_has_one_head", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "head"


class PublishedEvent(models.Model):
    """An event as others see it. Its id is its place in the stream.

    Ids are given out by one process at a time and become visible in their order:
    whoever has read up to one has missed none below it. Rows are never changed.
    """

    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    event_type = models.CharField(gettext_lazy("type"), max_length=60)
    subject_id = models.BigIntegerField()
    subject_public_id = models.UUIDField(null=True)
    # As it was then, for the tombstone of an engagement: its row is gone.
    engagement_id = models.BigIntegerField(null=True)
    engagement_public_id = models.UUIDField(null=True)
    manager_id = models.BigIntegerField(null=True)
    department_id = models.BigIntegerField(null=True)
    changed = models.JSONField(gettext_lazy("changed"), default=list)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["event_type", "id"]),
            models.Index(fields=["engagement_id", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.event_type}"


class WhyDisabled(models.TextChoices):
    BY_HAND = "by_hand", gettext_lazy("Turned off by hand")
    GONE = "gone", gettext_lazy("It answered 410 Gone")
    FAILING = "failing", gettext_lazy("It failed for days")


def check_url(url: str) -> None:
    try:
        read_address(url)
    except AddressRefusedError as refusal:
        raise ValidationError(str(refusal), code="url") from None


def check_event_types(names: object) -> None:
    if not isinstance(names, list) or not names:
        raise ValidationError(_("Choose at least one type of event."), code="empty")
    unknown = sorted({str(name) for name in names} - PUBLIC_TYPES.keys())
    if unknown:
        raise ValidationError(
            _("There is no type %(unknown)s.") % {"unknown": ", ".join(unknown)},
            code="choice",
        )


class EndpointQuerySet(QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(endpoint_scope(user))


def endpoint_scope(user: User, prefix: str = "") -> Q:
    """Return the condition that keeps one's own endpoints; of all for who oversees."""
    if roles_of(user) & OVERSEES:
        return Q()
    return Q(**{f"{prefix}owner": user})


class WebhookEndpoint(Record):
    """Where events are sent to; it hears of what its owner may see, then and there."""

    objects: ClassVar[models.Manager[WebhookEndpoint]] = EndpointQuerySet.as_manager()

    # From the seeds alone nobody can sign, but they stay out of events all the same.
    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {"secret_seed", "previous_seed"}
    )

    name = models.CharField(
        gettext_lazy("name"),
        max_length=120,
        help_text=gettext_lazy("Which system listens there."),
    )
    url = models.CharField(
        gettext_lazy("address"),
        max_length=LONGEST,
        validators=[check_url],
        help_text=gettext_lazy("By https, on port 443 or 8443."),
    )
    event_types = models.JSONField(
        gettext_lazy("types of events"), default=list, validators=[check_event_types]
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="webhook_endpoints",
        verbose_name=gettext_lazy("acts as"),
        help_text=gettext_lazy("It is told at most of what this person may see."),
    )
    secret_seed = models.CharField(
        max_length=SEED_LENGTH, default=draw_seed, editable=False
    )
    previous_seed = models.CharField(
        max_length=SEED_LENGTH, null=True, blank=True, editable=False
    )
    previous_until = models.DateTimeField(
        gettext_lazy("previous secret valid until"), null=True, editable=False
    )
    is_enabled = models.BooleanField(
        gettext_lazy("enabled"), default=True, editable=False
    )
    disabled_because = models.CharField(
        gettext_lazy("why disabled"),
        max_length=8,
        choices=WhyDisabled.choices,
        blank=True,
        editable=False,
    )
    # How it went lately; kept by deliveries, and no part of what people agreed.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(
        gettext_lazy("failing since"), null=True, editable=False
    )
    paused_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = gettext_lazy("webhook endpoint")
        constraints = [
            models.CheckConstraint(
                name="webhook_endpoint_named", condition=~Q(name="")
            ),
            models.CheckConstraint(
                name="webhook_endpoint_seed_whole",
                condition=has_length("secret_seed", SEED_LENGTH),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_disabled_with_reason",
                condition=Q(is_enabled=True, disabled_because="")
                | Q(is_enabled=False, disabled_because__in=WhyDisabled.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def seeds(self) -> list[str]:
        """Return the seeds to sign with; the previous one while it is still valid."""
        if self.previous_seed is None or self.previous_until is None:
            return [self.secret_seed]
        if self.previous_until <= timezone.now():
            return [self.secret_seed]
        return [self.secret_seed, self.previous_seed]


class DeliveryState(models.TextChoices):
    WAITING = "waiting", gettext_lazy("Waiting")
    DELIVERED = "delivered", gettext_lazy("Delivered")
    DEAD = "dead", gettext_lazy("Given up")


class DeliveryQuerySet(QuerySet["WebhookDelivery"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(endpoint_scope(user, prefix="endpoint__"))


class WebhookDelivery(models.Model):
    """One message to one endpoint, from the outbox to its answer or its end.

    `due_at` is also the lease: whoever takes the row up moves it ahead, and if that
    process dies, the row is due again. `attempts` are those of the present round, and
    say which of two processes holds the row; a replay begins another round.
    """

    objects: ClassVar[models.Manager[WebhookDelivery]] = DeliveryQuerySet.as_manager()

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=gettext_lazy("endpoint"),
    )
    # Null for a test, of which the stream knows nothing.
    published = models.ForeignKey(
        PublishedEvent, on_delete=models.PROTECT, null=True, related_name="deliveries"
    )
    # The header webhook-id, the same each time; receivers know repetitions by it.
    message_id = models.CharField(gettext_lazy("message"), max_length=64)
    event_type = models.CharField(gettext_lazy("type"), max_length=60)
    body = models.TextField(gettext_lazy("body"))
    state = models.CharField(
        gettext_lazy("state"),
        max_length=9,
        choices=DeliveryState.choices,
        default=DeliveryState.WAITING,
    )
    attempts = models.PositiveSmallIntegerField(gettext_lazy("attempts"), default=0)
    due_at = models.DateTimeField(gettext_lazy("next attempt"), default=timezone.now)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    delivered_at = models.DateTimeField(gettext_lazy("delivered"), null=True)
    # Of the last attempt, for lists.
    last_status = models.PositiveSmallIntegerField(gettext_lazy("answer"), null=True)
    last_error = models.CharField(gettext_lazy("error"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = gettext_lazy("webhook delivery")
        verbose_name_plural = gettext_lazy("webhook deliveries")
        indexes = [
            models.Index(
                name="webhook_delivery_due",
                fields=["endpoint", "due_at", "id"],
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["endpoint", "-id"]),
            models.Index(fields=["state", "-id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="webhook_delivery_once_per_endpoint",
                fields=["endpoint", "published"],
            ),
            models.CheckConstraint(
                name="webhook_delivery_state_known",
                condition=Q(state__in=DeliveryState.values),
            ),
            models.CheckConstraint(
                name="webhook_delivered_is_dated",
                condition=~Q(state="delivered") | Q(delivered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return _("Message %(id)s") % {"id": self.message_id}


class WebhookAttempt(models.Model):
    """One post of a delivery, and what came back."""

    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="log"
    )
    number = models.PositiveSmallIntegerField(gettext_lazy("attempt"))
    made_at = models.DateTimeField(gettext_lazy("at"))
    milliseconds = models.PositiveIntegerField(gettext_lazy("milliseconds"))
    status = models.PositiveSmallIntegerField(gettext_lazy("status"), null=True)
    error = models.CharField(gettext_lazy("error"), max_length=300, blank=True)
    answer = models.TextField(gettext_lazy("answer"), blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = gettext_lazy("attempt")

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.error}"
