from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement, Event, User
from engagements.models.record import has_length
from engagements.permissions import REVIEW_EVENTS, engagement_scope
from tracker.notify.choices import Channel, DateKind, Frequency, Weekday
from tracker.notify.due import ALL_THRESHOLDS

TOKEN_LENGTH = 43
# What an event's alert says that only those who see job runs may read.
JOB_FAILED = "job.failed"


class Reminder(models.Model):
    """One person told once of one date at one threshold.

    The row stands before the mail is sent; `leased_until` keeps it for the process
    that sends it, and lets another try when that one has died.
    """

    engagement = models.ForeignKey(
        Engagement, on_delete=models.CASCADE, related_name="reminders"
    )
    kind = models.CharField(
        _("of"),
        max_length=8,
        choices=DateKind.choices,
    )
    # The document, the tenure policy or the credit; 0 for the engagement's own dates.
    # Not foreign keys: a reminder that was sent outlives what it told of.
    subject_id = models.BigIntegerField(default=0, editable=False)
    falls_on = models.DateField(_("falls on"))
    threshold_days = models.PositiveSmallIntegerField(_("days before"))
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="reminders",
        verbose_name=_("to"),
    )
    is_escalation = models.BooleanField(_("escalation"), default=False)
    leased_until = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(_("mailed at"), null=True)
    failed_at = models.DateTimeField(_("mail failed at"), null=True)
    error = models.CharField(_("error"), max_length=80, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("reminder")
        indexes = [models.Index(fields=["recipient", "sent_at"])]
        constraints = [
            models.UniqueConstraint(
                name="reminder_sent_once",
                fields=[
                    "engagement",
                    "kind",
                    "subject_id",
                    "falls_on",
                    "threshold_days",
                    "recipient",
                ],
            ),
            models.CheckConstraint(
                name="reminder_kind_known",
                condition=Q(kind__in=DateKind.values),
            ),
            models.CheckConstraint(
                name="reminder_threshold_known",
                condition=Q(threshold_days__in=ALL_THRESHOLDS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.falls_on}, {self.threshold_days} days before"


class CalendarFeed(models.Model):
    """The secret address of a person's calendar of deadlines.

    The token stands in clear, so that its owner can look the address up again; it
    opens dates and titles that the same database holds, and nothing else.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="calendar_feed",
    )
    token = models.CharField(max_length=TOKEN_LENGTH, unique=True, editable=False)
    renewed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("calendar feed")
        constraints = [
            models.CheckConstraint(
                name="calendar_feed_token_whole",
                condition=has_length("token", TOKEN_LENGTH),
            ),
        ]

    def __str__(self) -> str:
        return f"calendar feed {self.pk}"


def _without_unseen_reviews(user: User) -> Q:
    """Leave out what tells of a review to whom it isn't shown any more."""
    seen = engagement_scope(user, prefix="engagement__", with_reviews=True)
    if not seen:
        return Q()
    return Q(event=None) | ~Q(event__event_type__startswith=REVIEW_EVENTS) | seen


class AlertQuerySet(QuerySet["Alert"]):
    def visible_to(self, user: User) -> Self:
        """Keep the user's own, of what their roles let them see today."""
        rows = self.filter(recipient=user)
        scope = engagement_scope(user, prefix="engagement__")
        # An empty condition keeps all rows, but says nothing beside another.
        if scope:
            rows = rows.filter(Q(engagement=None) | scope)
        rows = rows.filter(_without_unseen_reviews(user))
        if user.has_perm("tracker.view_jobrun"):
            return rows
        return rows.exclude(event__event_type=JOB_FAILED)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Alert(models.Model):
    """One person told, in the product, of one event or one reminder.

    It holds ids alone: what it says is made when it is read, by whom may read it.
    `is_mailed` is for an event that is told by mail as well, once, by a worker.
    """

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="alerts",
        verbose_name=_("to"),
    )
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reminder = models.ForeignKey(
        Reminder, on_delete=models.CASCADE, null=True, related_name="alerts"
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("engagement"),
    )
    created_at = models.DateTimeField(_("told at"), auto_now_add=True)
    read_at = models.DateTimeField(_("read at"), null=True)
    is_mailed = models.BooleanField(_("by mail too"), default=False)
    leased_until = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    mailed_at = models.DateTimeField(_("mailed at"), null=True)
    failed_at = models.DateTimeField(_("mail failed at"), null=True)
    error = models.CharField(_("error"), max_length=80, blank=True)

    objects: ClassVar[models.Manager[Alert]] = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("alert")
        indexes = [
            models.Index(fields=["recipient", "read_at"]),
            models.Index(
                name="alert_mail_waiting",
                fields=["leased_until"],
                condition=Q(is_mailed=True, mailed_at=None),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="alert_once_per_event",
                fields=["event", "recipient"],
                condition=Q(event__isnull=False),
            ),
            models.UniqueConstraint(
                name="alert_once_per_reminder",
                fields=["reminder", "recipient"],
                condition=Q(reminder__isnull=False),
            ),
            models.CheckConstraint(
                name="alert_tells_of_one_thing",
                condition=Q(event__isnull=False, reminder__isnull=True)
                | Q(event__isnull=True, reminder__isnull=False),
            ),
            models.CheckConstraint(
                name="alert_mailed_is_wanted",
                condition=Q(mailed_at__isnull=True) | Q(is_mailed=True),
            ),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class ToldEvent(models.Model):
    """An event whose recipients have been told; kept while the cursor may return."""

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"event {self.event_id}"


class AlertCursor(models.Model):
    """Up to which event nothing can be missing any more; one row, locked by a run."""

    event_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="alert_cursor_is_one", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return f"alerts told up to event {self.event_id}"


class NotificationPreference(models.Model):
    """How one person wants to be told; who has none is told by the defaults.

    What is left out is stored, not what is chosen: a kind of date that comes with a
    later release is told of.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notification_preference",
    )
    channel = models.CharField(
        _("how"), max_length=12, choices=Channel.choices, default=Channel.MAIL
    )
    frequency = models.CharField(
        _("digest of deadlines"),
        max_length=8,
        choices=Frequency.choices,
        default=Frequency.AT_ONCE,
    )
    digest_hour = models.PositiveSmallIntegerField(_("at"), default=7)
    digest_weekday = models.PositiveSmallIntegerField(
        _("on"), choices=Weekday.choices, default=Weekday.MONDAY
    )
    kinds_left_out = models.JSONField(default=list, blank=True)
    thresholds_left_out = models.JSONField(default=list, blank=True)
    # Null for the topics that are mailed by default.
    mailed_topics = models.JSONField(null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    # Until when digests have gone out, or had nothing to tell.
    digest_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("notification preference")
        constraints = [
            models.CheckConstraint(
                name="notification_channel_known",
                condition=Q(channel__in=Channel.values),
            ),
            models.CheckConstraint(
                name="notification_frequency_known",
                condition=Q(frequency__in=Frequency.values),
            ),
            models.CheckConstraint(
                name="notification_hour_in_day", condition=Q(digest_hour__lte=23)
            ),
            models.CheckConstraint(
                name="notification_weekday_known",
                condition=Q(digest_weekday__in=Weekday.values),
            ),
        ]

    def __str__(self) -> str:
        return f"notification preference {self.pk}"
