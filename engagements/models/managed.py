from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import (
    ChargeKind,
    CreditScheme,
    Direction,
    Metric,
    ServiceHours,
    Window,
)
from engagements.models.engagement import Engagement
from engagements.models.fields import FactorField, MoneyField, PercentField
from engagements.models.record import Detail


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
        ]

    def __str__(self) -> str:
        return self.name


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
