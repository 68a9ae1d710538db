from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement
from engagements.models.record import has_length
from tracker.notify.due import THRESHOLDS, DeadlineKind

TOKEN_LENGTH = 43


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
        choices=[
            (DeadlineKind.NOTICE.value, _("Notice deadline")),
            (DeadlineKind.TERM_END.value, _("Term end")),
        ],
    )
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
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["recipient", "sent_at"])]
        constraints = [
            models.UniqueConstraint(
                name="reminder_sent_once",
                fields=[
                    "engagement",
                    "kind",
                    "falls_on",
                    "threshold_days",
                    "recipient",
                ],
            ),
            models.CheckConstraint(
                name="reminder_kind_known",
                condition=Q(kind__in=[kind.value for kind in DeadlineKind]),
            ),
            models.CheckConstraint(
                name="reminder_threshold_known",
                condition=Q(threshold_days__in=THRESHOLDS),
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
