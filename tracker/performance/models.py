from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.choices import CreditScheme
from engagements.models import Engagement, ManagedContract, ServiceLevel
from engagements.models.fields import FactorField, MoneyField
from engagements.models.record import Detail, Record
from engagements.permissions import engagement_scope
from tracker.performance.review import CRITERIA, HIGHEST, LOWEST, Marks
from tracker.performance.service_levels import Outcome
from tracker.spend.models import EngagementScoped, InvoiceLine, MoneyScoped

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User

OUTCOMES = [
    (Outcome.MET.value, _("Met")),
    (Outcome.MISSED.value, _("Missed")),
    (Outcome.NO_DATA.value, _("No data")),
    (Outcome.EXCUSED.value, _("Excused")),
]


MARKS = [
    (1, _("1, poor")),
    (2, "2"),
    (3, "3"),
    (4, "4"),
    (5, _("5, excellent")),
]


class CreditState(models.TextChoices):
    DUE = "due", _("Due")
    CLAIMED = "claimed", _("Claimed")
    AGREED = "agreed", _("Agreed")
    APPLIED = "applied", _("Applied")
    WAIVED = "waived", _("Waived")
    EXPIRED = "expired", _("Expired")


class Measurement(Detail):
    """What was measured in a period: a figure, counts, or minutes of downtime.

    Just one of the three is given, as the service level says.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="measurements",
        verbose_name=_("engagement"),
        editable=False,
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.PROTECT,
        related_name="measurements",
        verbose_name=_("service level"),
    )
    period_from = models.DateField(_("from"))
    period_to = models.DateField(_("to"))
    value = FactorField(_("figure"), null=True, blank=True)
    good = models.PositiveIntegerField(_("good"), null=True, blank=True)
    total = models.PositiveIntegerField(_("out of"), null=True, blank=True)
    downtime_minutes = FactorField(_("minutes of downtime"), null=True, blank=True)
    incident = models.CharField(
        _("incident"),
        max_length=100,
        blank=True,
        help_text=_("Its number, where one caused it: it counts once for a credit."),
    )
    source_key = models.CharField(
        max_length=160, null=True, blank=True, unique=True, editable=False
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-period_from", "-id"]
        verbose_name = _("measurement")
        indexes = [models.Index(fields=["service_level", "period_from"])]
        constraints = [
            models.CheckConstraint(
                name="measurement_period_in_order",
                condition=Q(period_to__gte=F("period_from")),
                violation_error_message=_("The period ends before it starts."),
            ),
            models.CheckConstraint(
                name="measurement_says_one_thing",
                condition=Q(
                    value__isnull=False,
                    good__isnull=True,
                    total__isnull=True,
                    downtime_minutes__isnull=True,
                )
                | Q(
                    value__isnull=True,
                    good__isnull=False,
                    total__isnull=False,
                    downtime_minutes__isnull=True,
                )
                | Q(
                    value__isnull=True,
                    good__isnull=True,
                    total__isnull=True,
                    downtime_minutes__isnull=False,
                ),
                violation_error_message=_(
                    "Give a figure, or good and total, or minutes of downtime."
                ),
            ),
            models.CheckConstraint(
                name="measurement_good_within_total",
                condition=Q(good__isnull=True) | Q(good__lte=F("total")),
                violation_error_message=_("There can't be more good than there are."),
            ),
            models.CheckConstraint(
                name="measurement_downtime_not_negative",
                condition=Q(downtime_minutes__isnull=True) | Q(downtime_minutes__gte=0),
                violation_error_message=_("Downtime can't be negative."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_from} to {self.period_to}"


class Downtime(Detail):
    """An outage from when until when; of no length, it reports that there was none."""

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="downtimes",
        verbose_name=_("engagement"),
        editable=False,
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.PROTECT,
        related_name="downtimes",
        verbose_name=_("service level"),
    )
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"))
    incident = models.CharField(_("incident"), max_length=100, blank=True)
    source_key = models.CharField(
        max_length=160, null=True, blank=True, unique=True, editable=False
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        verbose_name = _("downtime")
        verbose_name_plural = _("downtime")
        indexes = [models.Index(fields=["service_level", "began_at"])]
        constraints = [
            models.CheckConstraint(
                name="downtime_in_order",
                condition=Q(ended_at__gte=F("began_at")),
                violation_error_message=_("It ends before it begins."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"


class Exclusion(Detail):
    """Time that doesn't count: agreed maintenance, or an excused period."""

    class Kind(models.TextChoices):
        MAINTENANCE = "maintenance", _("Agreed maintenance")
        EXCUSED = "excused", _("Excused period")

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="exclusions",
        verbose_name=_("engagement"),
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="exclusions",
        verbose_name=_("service level"),
        help_text=_("Blank for all levels."),
    )
    kind = models.CharField(
        _("kind"), max_length=12, choices=Kind.choices, default=Kind.MAINTENANCE
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    reason = models.CharField(_("reason"), max_length=300)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("agreed by"),
        editable=False,
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        verbose_name = _("exclusion")
        constraints = [
            models.CheckConstraint(
                name="exclusion_in_order",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("It ends before it starts."),
            ),
            models.CheckConstraint(
                name="exclusion_kind_known",
                condition=Q(kind__in=["maintenance", "excused"]),
            ),
            models.CheckConstraint(
                name="exclusion_reason_given", condition=~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class Ticket(models.Model):
    """A ticket as a service desk tells of it; without a word about who asked."""

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="tickets",
        verbose_name=_("engagement"),
    )
    source_id = models.CharField(_("number"), max_length=100)
    priority = models.CharField(_("priority"), max_length=40, blank=True)
    ticket_group = models.CharField(_("group"), max_length=100, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    responded_at = models.DateTimeField(_("first response"), null=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    response_met = models.BooleanField(_("answered in time"), null=True)
    resolution_met = models.BooleanField(_("solved in time"), null=True)
    source_line = models.PositiveIntegerField(_("line"), null=True)
    source_run = models.UUIDField(null=True, db_index=True)

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name = _("ticket")
        indexes = [models.Index(fields=["engagement", "opened_at"])]
        constraints = [
            models.UniqueConstraint(
                name="ticket_once_per_engagement", fields=["engagement", "source_id"]
            ),
            models.CheckConstraint(
                name="ticket_number_given", condition=~Q(source_id="")
            ),
            models.CheckConstraint(
                name="ticket_answered_after_opening",
                condition=Q(responded_at__isnull=True)
                | Q(responded_at__gte=F("opened_at")),
            ),
            models.CheckConstraint(
                name="ticket_solved_after_opening",
                condition=Q(resolved_at__isnull=True)
                | Q(resolved_at__gte=F("opened_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.source_id


class LevelResult(Detail):
    """What a finished window of a service level came to.

    The figures are recomputed when late records arrive; who excused it, and why,
    stays. Times are in seconds of service.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="level_results",
        verbose_name=_("engagement"),
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.PROTECT,
        related_name="results",
        verbose_name=_("service level"),
    )
    window_from = models.DateField(_("window from"))
    window_to = models.DateField(_("window to"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=OUTCOMES)
    is_at_target = models.BooleanField(_("target reached"), null=True, blank=True)
    value = FactorField(_("figure"), null=True, blank=True)
    good = models.PositiveIntegerField(_("good"), null=True, blank=True)
    total = models.PositiveIntegerField(_("out of"), null=True, blank=True)
    down_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    service_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    records = models.PositiveIntegerField(_("records"), default=0)
    # Incident numbers behind it: one that missed several levels earns one credit.
    incidents = models.JSONField(default=list, blank=True)
    measured_at = models.DateTimeField(_("measured at"))
    excused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("excused by"),
    )
    excused_at = models.DateTimeField(_("excused at"), null=True, blank=True)
    excuse = models.CharField(_("why it is excused"), max_length=300, blank=True)

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-window_from", "service_level"]
        verbose_name = _("service level result")
        indexes = [models.Index(fields=["engagement", "window_from"])]
        constraints = [
            models.UniqueConstraint(
                name="level_result_once_per_window",
                fields=["service_level", "window_from"],
            ),
            models.CheckConstraint(
                name="level_result_outcome_known",
                condition=Q(outcome__in=[outcome.value for outcome in Outcome]),
            ),
            models.CheckConstraint(
                name="level_result_window_in_order",
                condition=Q(window_to__gt=F("window_from")),
            ),
            models.CheckConstraint(
                name="level_result_judged_by_data",
                condition=Q(value__isnull=False)
                | Q(outcome__in=["no_data", "excused"]),
            ),
            models.CheckConstraint(
                name="level_result_excused_with_reason",
                condition=(~Q(outcome="excused") & Q(excuse=""))
                | (Q(outcome="excused") & ~Q(excuse="")),
                violation_error_message=_("Say why it is excused."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window_from:%Y-%m}"


class LevelProgress(models.Model):
    """How the window of a service level that still runs stands: the records so far.

    One row per level, written whenever its contract is measured; nobody has judged it.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="level_progress",
        verbose_name=_("engagement"),
    )
    service_level = models.OneToOneField(
        ServiceLevel,
        on_delete=models.CASCADE,
        related_name="progress",
        verbose_name=_("service level"),
    )
    window_from = models.DateField(_("window from"))
    window_to = models.DateField(_("window to"), db_index=True)
    value = FactorField(_("figure"), null=True)
    good = models.PositiveIntegerField(_("good"), null=True)
    total = models.PositiveIntegerField(_("out of"), null=True)
    down_seconds = models.PositiveBigIntegerField(null=True)
    service_seconds = models.PositiveBigIntegerField(null=True)
    measured_at = models.DateTimeField(_("measured at"))

    objects = EngagementScoped.as_manager()

    class Meta:
        verbose_name = _("progress of a service level")
        constraints = [
            models.CheckConstraint(
                name="level_progress_window_in_order",
                condition=Q(window_to__gt=F("window_from")),
            ),
            models.CheckConstraint(
                name="level_progress_good_within_total",
                condition=Q(good__isnull=True) | Q(good__lte=F("total")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window_from:%Y-%m}"


class Credit(Record):
    """Money that a provider owes for a missed window, on its way to an invoice.

    `figures` are what the amount was worked out from, for the claim and its reader.
    Amounts are in the engagement's currency.
    """

    engagement = models.ForeignKey(
        ManagedContract,
        on_delete=models.PROTECT,
        related_name="credits",
        verbose_name=_("engagement"),
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credits",
        verbose_name=_("service level"),
    )
    window_from = models.DateField(_("window from"))
    window_to = models.DateField(_("window to"))
    scheme = models.CharField(_("scheme"), max_length=8, choices=CreditScheme.choices)
    amount = MoneyField(_("amount"))
    agreed_amount = MoneyField(_("agreed amount"), null=True, blank=True)
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    claim_by_on = models.DateField(_("claim by"), null=True, blank=True, db_index=True)
    state = models.CharField(
        _("state"),
        max_length=8,
        choices=CreditState.choices,
        default=CreditState.DUE,
        db_index=True,
    )
    state_since = models.DateField(_("since"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    is_earned_back = models.BooleanField(_("earned back"), default=False)
    invoice_line = models.ForeignKey(
        InvoiceLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credits",
        verbose_name=_("invoice line"),
    )

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["-window_from", "-id"]
        verbose_name = _("credit")
        constraints = [
            models.UniqueConstraint(
                name="credit_once_per_level_and_window",
                fields=["engagement", "service_level", "window_from", "window_to"],
            ),
            models.UniqueConstraint(
                name="credit_by_points_once_per_window",
                fields=["engagement", "window_from", "window_to"],
                condition=Q(service_level__isnull=True),
            ),
            models.CheckConstraint(
                name="credit_amount_positive", condition=Q(amount__gt=0)
            ),
            models.CheckConstraint(
                name="credit_agreed_within_amount",
                condition=Q(agreed_amount__isnull=True)
                | Q(agreed_amount__gt=0, agreed_amount__lte=F("amount")),
                violation_error_message=_("Agree on at most what is due."),
            ),
            models.CheckConstraint(
                name="credit_state_known", condition=Q(state__in=CreditState.values)
            ),
            models.CheckConstraint(
                name="credit_scheme_known", condition=Q(scheme__in=CreditScheme.values)
            ),
            models.CheckConstraint(
                name="credit_agreed_has_amount",
                condition=~Q(state__in=["agreed", "applied"])
                | Q(agreed_amount__isnull=False),
            ),
            models.CheckConstraint(
                name="credit_waived_with_reason",
                condition=~Q(state="waived") | ~Q(reason=""),
                violation_error_message=_("Say why it is waived."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window_from:%Y-%m}"


class ReviewScoped(QuerySet):  # type: ignore[type-arg] # as_manager() loses it anyway
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep reviews of engagements whose reviews the user may read."""
        return self.filter(
            engagement_scope(user, prefix="engagement__", with_reviews=True)
        )

    def standing(self) -> Self:
        """Leave out those that their author corrected by a later one."""
        return self.filter(is_corrected=False)


class Review(Record):
    """What a manager thinks of the work in a period: 1 to 5 on each of five criteria.

    Its author may change it for a few days; after that it stands, and is corrected by
    a new one of the same period. Marks and words stay out of events, which are kept
    for good.
    """

    PERSONAL_FIELDS = frozenset({*CRITERIA, "comment"})

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="reviews",
        verbose_name=_("engagement"),
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="reviews",
        verbose_name=_("reviewer"),
        editable=False,
    )
    period_from = models.DateField(_("from"))
    period_to = models.DateField(_("to"))
    quality = models.PositiveSmallIntegerField(_("quality"), choices=MARKS)
    delivery = models.PositiveSmallIntegerField(_("delivery"), choices=MARKS)
    communication = models.PositiveSmallIntegerField(_("communication"), choices=MARKS)
    knowledge_transfer = models.PositiveSmallIntegerField(
        _("knowledge transfer"), choices=MARKS
    )
    initiative = models.PositiveSmallIntegerField(_("initiative"), choices=MARKS)
    comment = models.TextField(_("comment"), max_length=2000, blank=True)
    is_corrected = models.BooleanField(_("corrected"), default=False, editable=False)

    objects = ReviewScoped.as_manager()

    class Meta:
        ordering = ["-period_to", "-id"]
        verbose_name = _("review")
        indexes = [models.Index(fields=["engagement", "period_to"])]
        constraints = [
            models.UniqueConstraint(
                name="review_stands_once_per_period",
                fields=["engagement", "reviewer", "period_from", "period_to"],
                condition=Q(is_corrected=False),
                violation_error_message=_("You have reviewed this period already."),
            ),
            models.CheckConstraint(
                name="review_period_in_order",
                condition=Q(period_to__gte=F("period_from")),
                violation_error_message=_("The period ends before it starts."),
            ),
            models.CheckConstraint(
                name="review_marks_known",
                condition=Q(
                    **{f"{name}__gte": LOWEST for name in CRITERIA},
                    **{f"{name}__lte": HIGHEST for name in CRITERIA},
                ),
                violation_error_message=_("Each mark is from 1 to 5."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_from} to {self.period_to}"

    @property
    def marks(self) -> Marks:
        return Marks(*(getattr(self, name) for name in CRITERIA))
