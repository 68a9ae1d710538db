from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.models import Contractor, Engagement, Skill
from engagements.models.fields import HoursField
from engagements.models.record import Detail, Record
from tracker.spend.models.scoped import EngagementScoped


class Activity(models.TextChoices):
    DELIVERY = "delivery", _("Delivery")
    SUPPORT = "support", _("Support")
    ADVISORY = "advisory", _("Advisory")
    PAIRING = "pairing", _("Pairing")
    TRAINING = "training", _("Training")


class AssignedBy(models.TextChoices):
    CLIENT = "client", _("Our managers")
    VENDOR = "vendor", _("The vendor")


class TimesheetStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    INVOICED = "invoiced", _("Invoiced")


class Cadence(models.TextChoices):
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")


# Hours of sheets in these statuses count; a draft's and a rejected one's don't.
COUNTED = (
    TimesheetStatus.SUBMITTED,
    TimesheetStatus.APPROVED,
    TimesheetStatus.INVOICED,
)
# Only in these are lines written: the database refuses it in all others.
OPEN = (TimesheetStatus.DRAFT, TimesheetStatus.REJECTED)


class Timesheet(Record):
    """A contractor's hours on an engagement in a week or a month, agreed as one.

    Its lines are work logs, written while it is a draft or rejected. What is rejected
    is corrected and submitted again; once invoiced it stays as it is. A day with a line
    of 0 hours is known to be 0; a day without lines is unknown.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="timesheets",
        verbose_name=_("engagement"),
    )
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        related_name="timesheets",
        verbose_name=_("contractor"),
    )
    cadence = models.CharField(
        _("period"), max_length=5, choices=Cadence.choices, default=Cadence.WEEK
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=TimesheetStatus.choices,
        default=TimesheetStatus.DRAFT,
        editable=False,
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("submitted by"),
    )
    submitted_at = models.DateTimeField(
        _("submitted at"), null=True, blank=True, editable=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(
        _("decided at"), null=True, blank=True, editable=False
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    # Each submission posts its hours under a key of its own.
    submissions = models.PositiveIntegerField(default=0, editable=False)

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-starts_on", "-id"]
        verbose_name = _("timesheet")
        indexes = [models.Index(fields=["status", "starts_on"])]
        constraints = [
            models.UniqueConstraint(
                name="timesheet_once_per_period",
                fields=["engagement", "contractor", "starts_on"],
                violation_error_message=_("There is a timesheet from this day on."),
            ),
            models.CheckConstraint(
                name="timesheet_period_in_order",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The period ends before it starts."),
            ),
            models.CheckConstraint(
                name="timesheet_status_known",
                condition=Q(status__in=TimesheetStatus.values),
            ),
            models.CheckConstraint(
                name="timesheet_cadence_known",
                condition=Q(cadence__in=Cadence.values),
            ),
            models.CheckConstraint(
                name="timesheet_submitted_by_somebody",
                condition=Q(status="draft") | Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="timesheet_rejected_with_reason",
                condition=~Q(status="rejected") | ~Q(reason=""),
                violation_error_message=_("Say why it is rejected."),
            ),
            # Whoever submitted never decides: superusers included.
            models.CheckConstraint(
                name="timesheet_not_decided_by_submitter",
                condition=Q(decided_by__isnull=True)
                | Q(submitted_by__isnull=True)
                | ~Q(decided_by=F("submitted_by")),
                violation_error_message=_("Nobody approves their own timesheet."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} to {self.ends_on}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class WorkLogs(EngagementScoped):
    """What was worked is read through these, so that it is the same everywhere."""

    def told(self, statuses: Collection[str] = COUNTED) -> Self:
        """Keep what was said of days, their zeros included.

        That is: logged without a sheet and not withdrawn, or in a sheet of such a
        status.
        """
        return self.filter(
            Q(timesheet__isnull=True, withdrawn_at__isnull=True)
            | Q(timesheet__status__in=statuses)
        )

    def counted(self) -> Self:
        """Keep work done: not zeros, nor what is withdrawn or not submitted."""
        return self.told().filter(hours__gt=0)

    def without_sheet(self) -> Self:
        """Keep what was logged without a timesheet, and not withdrawn."""
        return self.filter(timesheet__isnull=True, withdrawn_at__isnull=True)


class WorkLog(Detail):
    """Work done, for both models: what fit and accrual read, by `counted()`.

    Blank `assigned_by`, and unknown `is_core` and `is_out_of_hours`, mean that nobody
    recorded it, which is not the same as no. A line of a timesheet may say 0 hours.
    What was logged without a sheet is never changed: it is withdrawn, with a reason.
    """

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="work_logs"
    )
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="work_logs",
        verbose_name=_("person"),
    )
    timesheet = models.ForeignKey(
        Timesheet,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="lines",
        editable=False,
        verbose_name=_("timesheet"),
    )
    worked_on = models.DateField(_("worked on"))
    hours = HoursField(_("hours"))
    activity = models.CharField(
        _("activity"),
        max_length=12,
        choices=Activity.choices,
        default=Activity.DELIVERY,
    )
    skill = models.ForeignKey(
        Skill,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="work_logs",
        verbose_name=_("skill"),
    )
    assigned_by = models.CharField(
        _("assigned by"),
        max_length=8,
        choices=AssignedBy.choices,
        blank=True,
        help_text=_("Who said what to work on."),
    )
    is_core = models.BooleanField(_("on a core system"), null=True, blank=True)
    is_out_of_hours = models.BooleanField(_("out of hours"), null=True, blank=True)
    is_overtime = models.BooleanField(_("overtime"), default=False)
    description = models.CharField(_("description"), max_length=300, blank=True)
    source_key = models.CharField(
        max_length=100, null=True, blank=True, unique=True, editable=False
    )
    # Blank where nobody is named: by a job, or before it was kept.
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("entered by"),
    )
    withdrawn_at = models.DateTimeField(
        _("withdrawn at"), null=True, blank=True, editable=False
    )
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("withdrawn by"),
    )
    withdrawn_reason = models.CharField(
        _("why it was withdrawn"), max_length=300, blank=True, editable=False
    )
    # Its source key until then, which is free for what comes in its place.
    withdrawn_key = models.CharField(
        max_length=100, null=True, blank=True, db_index=True, editable=False
    )

    objects = WorkLogs.as_manager()

    class Meta:
        ordering = ["worked_on", "id"]
        verbose_name = _("work log")
        indexes = [
            models.Index(fields=["engagement", "worked_on"]),
            models.Index(fields=["contractor", "worked_on"]),
            models.Index(fields=["worked_on"]),
            models.Index(fields=["updated_at", "id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="work_log_hours_in_day",
                condition=Q(hours__lte=24) | Q(contractor__isnull=True),
                violation_error_message=_("A person works at most 24 hours a day."),
            ),
            models.CheckConstraint(
                name="work_log_hours_positive",
                condition=Q(hours__gt=0) | Q(hours=0, timesheet__isnull=False),
                violation_error_message=_("Work takes more than 0 hours."),
            ),
            models.CheckConstraint(
                name="work_log_activity_known",
                condition=Q(activity__in=Activity.values),
            ),
            models.CheckConstraint(
                name="work_log_assigned_by_known",
                condition=Q(assigned_by="") | Q(assigned_by__in=AssignedBy.values),
            ),
            models.CheckConstraint(
                name="work_log_withdrawn_with_reason",
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason=""),
                violation_error_message=_("Say why it is withdrawn."),
            ),
            # Lines of sheets are changed there, while the sheet is open.
            models.CheckConstraint(
                name="work_log_withdrawn_without_sheet",
                condition=Q(withdrawn_at__isnull=True) | Q(timesheet__isnull=True),
            ),
            models.CheckConstraint(
                name="work_log_withdrawn_gives_key_up",
                condition=Q(withdrawn_at__isnull=True, withdrawn_key__isnull=True)
                | Q(withdrawn_at__isnull=False, source_key__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.worked_on} {self.hours} h"


class OversightLog(Detail):
    """Hours that one of our managers spent in a month on supervising."""

    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="oversight_logs",
        verbose_name=_("manager"),
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="oversight_logs",
        verbose_name=_("engagement"),
        help_text=_("Blank for all that the manager supervises."),
    )
    month = models.DateField(_("month"))
    hours = HoursField(_("hours"))

    class Meta:
        ordering = ["-month"]
        verbose_name = _("oversight log")
        constraints = [
            models.UniqueConstraint(
                name="oversight_once_per_month",
                fields=["manager", "engagement", "month"],
            ),
            models.UniqueConstraint(
                name="oversight_whole_span_once_per_month",
                fields=["manager", "month"],
                condition=Q(engagement__isnull=True),
            ),
            models.CheckConstraint(
                name="oversight_hours_in_month",
                condition=Q(hours__gte=0, hours__lte=744),
                violation_error_message=_("A month has at most 744 hours."),
            ),
            models.CheckConstraint(
                name="oversight_month_is_first_day", condition=Q(month__day=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.hours} h"
