from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from engagements.choices import (
    ChargeKind,
    CreditScheme,
    Direction,
    MeasuredBy,
    Metric,
    ServiceHours,
    Window,
)
from engagements.models.engagement import Engagement
from engagements.models.fields import FactorField, MoneyField, PercentField
from engagements.models.record import Detail
from engagements.models.validators import time_zone_name


class ManagedContract(Engagement):
    """A provider owns an outcome, against service levels, for a monthly fee."""

    scope = models.TextField(
        _("scope"), blank=True, help_text=_("The outcome that the provider owns.")
    )
    service_hours = models.CharField(
        _("service hours"),
        max_length=12,
        choices=ServiceHours.choices,
        default=ServiceHours.BUSINESS,
    )
    at_risk_percent = PercentField(
        _("fee at risk (%)"),
        default=0,
        help_text=_("Largest share of a month's fee that service credits can take."),
    )
    credit_scheme = models.CharField(
        _("credit scheme"),
        max_length=8,
        choices=CreditScheme.choices,
        default=CreditScheme.NONE,
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=40,
        blank=True,
        validators=[time_zone_name],
        help_text=_("In which the contract counts; blank for the product's own."),
    )
    opens_at = models.TimeField(
        _("service opens at"),
        null=True,
        blank=True,
        help_text=_("Blank: 09:00 for business hours, 07:00 for extended ones."),
    )
    closes_at = models.TimeField(
        _("service closes at"),
        null=True,
        blank=True,
        help_text=_("Blank: 17:00 for business hours, 21:00 for extended ones."),
    )
    credit_pool_percent = PercentField(
        _("credit pool (%)"),
        default=100,
        help_text=_("What the levels' shares of the pool may sum to."),
    )
    claim_within_days = models.PositiveSmallIntegerField(
        _("claim within (days)"),
        null=True,
        blank=True,
        help_text=_("After the window's end; blank where credits don't expire."),
    )
    earn_back_windows = models.PositiveSmallIntegerField(
        _("earned back after (windows)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "A credit is returned when the target is reached in so many windows that"
            " follow; blank when it isn't."
        ),
    )
    exit_charge = MoneyField(
        _("exit charge"), default=0, help_text=_("Due when leaving early.")
    )
    headcount_cap = models.PositiveSmallIntegerField(
        _("headcount cap"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("managed-service contract")
        constraints = [
            models.CheckConstraint(
                name="managed_at_risk_0_to_100",
                condition=Q(at_risk_percent__gte=0, at_risk_percent__lte=100),
                violation_error_message=_("The share at risk is between 0 and 100."),
            ),
            models.CheckConstraint(
                name="managed_exit_charge_not_negative",
                condition=Q(exit_charge__gte=0),
                violation_error_message=_("The exit charge can't be negative."),
            ),
            models.CheckConstraint(
                name="managed_service_hours_known",
                condition=Q(service_hours__in=ServiceHours.values),
            ),
            models.CheckConstraint(
                name="managed_credit_scheme_known",
                condition=Q(credit_scheme__in=CreditScheme.values),
            ),
            models.CheckConstraint(
                name="managed_opens_before_closing",
                condition=Q(opens_at__isnull=True)
                | Q(closes_at__isnull=True)
                | Q(closes_at__gt=models.F("opens_at")),
                violation_error_message=_("The service closes after it opens."),
            ),
            models.CheckConstraint(
                name="managed_credit_pool_positive",
                condition=Q(credit_pool_percent__gt=0, credit_pool_percent__lte=1000),
                violation_error_message=_("The pool is above 0 and at most 1,000."),
            ),
            models.CheckConstraint(
                name="managed_earn_back_positive",
                condition=Q(earn_back_windows__isnull=True)
                | Q(earn_back_windows__gt=0),
            ),
        ]


class FeeTerm(Detail):
    """The monthly fee from a day on, until the next term starts."""

    contract = models.ForeignKey(
        ManagedContract, on_delete=models.CASCADE, related_name="fee_terms"
    )
    starts_on = models.DateField(_("from"))
    monthly_fee = MoneyField(_("monthly fee"))

    class Meta:
        ordering = ["starts_on"]
        verbose_name = _("fee")
        constraints = [
            models.UniqueConstraint(
                name="fee_term_one_per_day",
                fields=["contract", "starts_on"],
                violation_error_message=_("There is a fee from this day already."),
            ),
            models.CheckConstraint(
                name="fee_term_not_negative",
                condition=Q(monthly_fee__gte=0),
                violation_error_message=_("The fee can't be negative."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monthly_fee} from {self.starts_on}"


class Charge(Detail):
    """A charge besides the monthly fee: milestone, unit or one-off."""

    engagement = models.ForeignKey(
        Engagement, on_delete=models.CASCADE, related_name="charges"
    )
    charge_kind = models.CharField(
        _("kind"),
        max_length=12,
        choices=[
            (kind.value, kind.label)
            for kind in (ChargeKind.MILESTONE, ChargeKind.UNIT, ChargeKind.ONE_OFF)
        ],
    )
    description = models.CharField(_("description"), max_length=200)
    amount = MoneyField(_("amount"))
    unit_name = models.CharField(_("unit"), max_length=40, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    accepted_on = models.DateField(_("accepted on"), null=True, blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("charge")
        constraints = [
            models.CheckConstraint(
                name="charge_kind_known",
                condition=Q(charge_kind__in=["milestone", "unit", "one_off"]),
            ),
            models.CheckConstraint(
                name="charge_amount_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message=_("The amount can't be negative."),
            ),
            models.CheckConstraint(
                name="charge_unit_named",
                condition=~Q(charge_kind="unit") | ~Q(unit_name=""),
                violation_error_message=_("Name the unit that is charged."),
            ),
        ]

    def __str__(self) -> str:
        return self.description


class ServiceLevel(Detail):
    """What the provider promises, and how it is measured."""

    contract = models.ForeignKey(
        ManagedContract, on_delete=models.CASCADE, related_name="service_levels"
    )
    name = models.CharField(_("name"), max_length=120)
    metric = models.CharField(
        _("metric"), max_length=16, choices=Metric.choices, default=Metric.AVAILABILITY
    )
    direction = models.CharField(
        _("direction"),
        max_length=8,
        choices=Direction.choices,
        default=Direction.AT_LEAST,
    )
    target = FactorField(_("target"))
    minimum = FactorField(
        _("minimum"),
        null=True,
        blank=True,
        help_text=_("Below the target but not yet a breach; blank when there is none."),
    )
    unit = models.CharField(
        _("unit"),
        max_length=20,
        default="%",
        help_text=_("%, minutes, hours, points …"),
    )
    weight = PercentField(_("weight (%)"), default=100)
    window = models.CharField(
        _("window"), max_length=8, choices=Window.choices, default=Window.MONTH
    )
    measured_by = models.CharField(
        _("measured by"),
        max_length=8,
        choices=MeasuredBy.choices,
        default=MeasuredBy.VALUE,
    )
    service_hours = models.CharField(
        _("counts during"),
        max_length=12,
        choices=ServiceHours.choices,
        blank=True,
        help_text=_("Blank: the contract's service hours."),
    )
    priority = models.CharField(
        _("tickets of priority"),
        max_length=40,
        blank=True,
        help_text=_("Blank: of every priority."),
    )
    ticket_group = models.CharField(
        _("tickets of group"),
        max_length=100,
        blank=True,
        help_text=_("Blank: of every group."),
    )
    within_minutes = models.PositiveIntegerField(
        _("within (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of service; for tickets, where the target is a share of them."),
    )
    credit_percent = PercentField(
        _("credit share (%)"),
        default=0,
        help_text=_("Of the pool, or of the fee in a flat scheme."),
    )
    credit_severity_percent = PercentField(
        _("credit severity (%)"),
        default=100,
        help_text=_("How much of its share of the pool one miss takes."),
    )
    credit_points = models.PositiveSmallIntegerField(
        _("credit points"), default=0, help_text=_("What a miss adds up to.")
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("service level")
        constraints = [
            models.UniqueConstraint(
                name="service_level_named_once",
                fields=["contract", "name"],
                violation_error_message=_("This contract has a level of this name."),
            ),
            models.CheckConstraint(
                name="service_level_weight_0_to_100",
                condition=Q(weight__gte=0, weight__lte=100),
                violation_error_message=_("The weight is between 0 and 100."),
            ),
            models.CheckConstraint(
                name="service_level_metric_known", condition=Q(metric__in=Metric.values)
            ),
            models.CheckConstraint(
                name="service_level_direction_known",
                condition=Q(direction__in=Direction.values),
            ),
            models.CheckConstraint(
                name="service_level_window_known", condition=Q(window__in=Window.values)
            ),
            models.CheckConstraint(
                name="service_level_measured_by_known",
                condition=Q(measured_by__in=MeasuredBy.values),
            ),
            models.CheckConstraint(
                name="service_level_hours_known",
                condition=Q(service_hours="")
                | Q(service_hours__in=ServiceHours.values),
            ),
            models.CheckConstraint(
                name="service_level_credit_shares_0_to_100",
                condition=Q(
                    credit_percent__gte=0,
                    credit_percent__lte=100,
                    credit_severity_percent__gte=0,
                    credit_severity_percent__lte=100,
                ),
                violation_error_message=_("Credit shares are between 0 and 100."),
            ),
            models.CheckConstraint(
                name="service_level_within_positive",
                condition=Q(within_minutes__isnull=True) | Q(within_minutes__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        self._check_minimum()
        if self.contract_id is not None and self.credit_percent:
            self._check_pool()

    def _check_minimum(self) -> None:
        if self.minimum is None or self.target is None:
            return
        is_ceiling = self.direction == Direction.AT_MOST
        if (self.minimum < self.target) if is_ceiling else (self.minimum > self.target):
            raise ValidationError(
                {"minimum": _("It must be easier to reach than the target.")}
            )

    def _check_pool(self) -> None:
        contract = self.contract
        if contract.credit_scheme != CreditScheme.POOL:
            return
        others = ServiceLevel.objects.filter(contract=contract).exclude(pk=self.pk)
        taken = others.aggregate(sum=Sum("credit_percent"))["sum"] or Decimal(0)
        total, pool = taken + self.credit_percent, Decimal(contract.credit_pool_percent)
        if total > pool:
            raise ValidationError(
                {
                    "credit_percent": _(
                        "The levels' shares sum to %(sum)s; the pool holds %(pool)s."
                    )
                    % {
                        "sum": f"{total.normalize():f}",
                        "pool": f"{pool.normalize():f}",
                    }
                }
            )


class CreditStep(Detail):
    """A step of a credit scheme: what is due from a bound on, as share of the fee.

    By points, the bound is the least number of points and no level is named. By tiers,
    it is the figure that the level fails; without a level the step serves all of them.
    """

    contract = models.ForeignKey(
        ManagedContract, on_delete=models.CASCADE, related_name="credit_steps"
    )
    service_level = models.ForeignKey(
        ServiceLevel,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="credit_steps",
        verbose_name=_("service level"),
        help_text=_("Blank for all levels."),
    )
    bound = FactorField(_("bound"))
    percent = PercentField(_("credit (% of the fee)"))

    class Meta:
        ordering = ["service_level", "bound"]
        verbose_name = _("credit step")
        constraints = [
            models.UniqueConstraint(
                name="credit_step_once_per_level",
                fields=["contract", "service_level", "bound"],
                violation_error_message=_("There is a step at this bound already."),
            ),
            models.UniqueConstraint(
                name="credit_step_once_for_all_levels",
                fields=["contract", "bound"],
                condition=Q(service_level__isnull=True),
                violation_error_message=_("There is a step at this bound already."),
            ),
            models.CheckConstraint(
                name="credit_step_percent_0_to_100",
                condition=Q(percent__gte=0, percent__lte=100),
                violation_error_message=_("The credit is between 0 and 100 %."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bound.normalize():f}: {self.percent.normalize():f} %"

    def clean(self) -> None:
        super().clean()
        level = self.service_level
        if level is not None and level.contract_id != self.contract_id:
            raise ValidationError(
                {"service_level": _("Choose a service level of this contract.")}
            )


class NamedWorker(Detail):
    """A person of the provider who works for us by name."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"full_name"})

    contract = models.ForeignKey(
        ManagedContract, on_delete=models.CASCADE, related_name="named_workers"
    )
    full_name = models.CharField(_("full name"), max_length=200)
    is_client_directed = models.BooleanField(
        _("directed by our managers"), default=False
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["full_name"]
        verbose_name = _("named worker")
        constraints = [
            models.CheckConstraint(
                name="named_worker_ends_after_start",
                condition=Q(ends_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                violation_error_message=_("The end can't be before the start."),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name
