from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.choices import ChargeKind, Kind
from engagements.models import Contractor, CostCentre, Engagement, Skill, Vendor
from engagements.models.fields import FactorField, HoursField, MoneyField
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import currency_code
from engagements.permissions import engagement_scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class Activity(models.TextChoices):
    DELIVERY = "delivery", _("Delivery")
    SUPPORT = "support", _("Support")
    ADVISORY = "advisory", _("Advisory")
    PAIRING = "pairing", _("Pairing")
    TRAINING = "training", _("Training")


class AssignedBy(models.TextChoices):
    CLIENT = "client", _("Our managers")
    VENDOR = "vendor", _("The vendor")


class Basis(models.TextChoices):
    ACCRUED = "accrued", _("Accrued: worked, not yet invoiced")
    ACTUAL = "actual", _("Actual: invoiced or paid")


class InvoiceStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RECEIVED = "received", _("Received")
    MATCHED = "matched", _("Matched")
    DISPUTED = "disputed", _("Disputed")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid")


class SourceType(models.TextChoices):
    WORK_LOG = "work_log", _("Work log")
    INVOICE_LINE = "invoice_line", _("Invoice line")
    PAYMENT = "payment", _("Imported payment")
    CREDIT = "credit", _("Service credit")


class EngagementScoped(QuerySet):  # type: ignore[type-arg] # serves several models
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep rows of engagements that the user may see."""
        return self.filter(engagement_scope(user, prefix="engagement__"))


class MoneyScoped(QuerySet):  # type: ignore[type-arg] # serves several models
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep rows of engagements whose money the user may see."""
        return self.filter(
            engagement_scope(user, prefix="engagement__", with_money=True)
        )


class WorkLog(Detail):
    """Work done, for both models: what fit and accrual read.

    Blank `assigned_by`, and unknown `is_core` and `is_out_of_hours`, mean that nobody
    recorded it, which is not the same as no.
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

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["worked_on", "id"]
        verbose_name = _("work log")
        indexes = [
            models.Index(fields=["engagement", "worked_on"]),
            models.Index(fields=["worked_on"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="work_log_hours_in_day",
                condition=Q(hours__gt=0, hours__lte=24) | Q(contractor__isnull=True),
                violation_error_message=_("A person works above 0, at most 24 hours."),
            ),
            models.CheckConstraint(
                name="work_log_hours_positive", condition=Q(hours__gt=0)
            ),
            models.CheckConstraint(
                name="work_log_activity_known",
                condition=Q(activity__in=Activity.values),
            ),
            models.CheckConstraint(
                name="work_log_assigned_by_known",
                condition=Q(assigned_by="") | Q(assigned_by__in=AssignedBy.values),
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


class Invoice(Record):
    """What a vendor billed; its lines sum to the total exactly."""

    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="invoices",
        verbose_name=_("vendor"),
    )
    number = models.CharField(_("number"), max_length=60)
    normalised_number = models.CharField(max_length=60, editable=False)
    issued_on = models.DateField(_("issued on"))
    currency = models.CharField(_("currency"), max_length=3)
    total = MoneyField(_("total"))
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=InvoiceStatus.choices,
        default=InvoiceStatus.RECEIVED,
    )
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("payment recorded by"),
    )

    class Meta:
        ordering = ["-issued_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                name="invoice_number_once_per_vendor",
                fields=["vendor", "normalised_number"],
                violation_error_message=_("This vendor's invoice is recorded already."),
            ),
            models.CheckConstraint(
                name="invoice_number_given", condition=~Q(normalised_number="")
            ),
            models.CheckConstraint(
                name="invoice_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="invoice_status_known",
                condition=Q(status__in=InvoiceStatus.values),
            ),
            models.CheckConstraint(
                name="invoice_paid_is_dated",
                condition=Q(status="paid", paid_on__isnull=False)
                | (~Q(status="paid") & Q(paid_on__isnull=True, paid_by__isnull=True)),
                violation_error_message=_("A paid invoice has the day of payment."),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceLine(Detail):
    """One charge for one engagement and service period; negative for a credit."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField(_("line"))
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="invoice_lines",
        verbose_name=_("engagement"),
    )
    charge_kind = models.CharField(
        _("charge"), max_length=12, choices=ChargeKind.choices
    )
    description = models.CharField(_("description"), max_length=300, blank=True)
    period_from = models.DateField(_("service from"))
    period_to = models.DateField(_("service to"))
    hours = HoursField(_("hours"), null=True, blank=True)
    amount = MoneyField(_("amount"))

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["invoice", "number"]
        verbose_name = _("invoice line")
        constraints = [
            models.UniqueConstraint(
                name="invoice_line_numbered_once", fields=["invoice", "number"]
            ),
            models.CheckConstraint(
                name="invoice_line_period_in_order",
                condition=Q(period_to__gte=F("period_from")),
                violation_error_message=_("The service ends before it starts."),
            ),
            models.CheckConstraint(
                name="invoice_line_charge_known",
                condition=Q(charge_kind__in=ChargeKind.values),
            ),
            # A second fee for a period that is billed already is refused.
            models.UniqueConstraint(
                name="invoice_line_fee_once_per_period",
                fields=["engagement", "period_from", "period_to"],
                condition=Q(charge_kind="recurring"),
                violation_error_message=_("The fee of this period is billed already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.description}"


class Settlement(Detail):
    """A person's word that no further invoice will come for what was done so far.

    Append-only in the database. What is worked or falls due after it, and any invoice
    that comes all the same, is open again.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="settlements",
        verbose_name=_("engagement"),
    )
    settled_at = models.DateTimeField(_("settled at"), editable=False)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("settled by"),
    )
    reason = models.CharField(
        _("reason"),
        max_length=300,
        help_text=_(
            "How you know, such as “Paid in full by the old system”. It is kept for"
            " good: name no people."
        ),
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-settled_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="settlement_says_why",
                condition=~Q(reason=""),
                violation_error_message=_("Say how you know."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settled_at:%Y-%m-%d}"


class Payment(Detail):
    """A payment read from a file, traceable to its line."""

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("engagement"),
    )
    vendor = models.ForeignKey(
        Vendor,
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("vendor"),
    )
    paid_on = models.DateField(_("paid on"), db_index=True)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    transaction_number = models.CharField(_("transaction"), max_length=100, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    unit = models.CharField(_("unit"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    supplier_name = models.CharField(_("supplier as written"), max_length=300)
    supplier_number = models.CharField(_("supplier number"), max_length=60, blank=True)
    source_key = models.CharField(max_length=100, unique=True, editable=False)
    source_file = models.CharField(_("file"), max_length=200)
    source_line = models.PositiveIntegerField(_("line"))
    source_run = models.UUIDField(db_index=True)

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["-paid_on", "-id"]
        indexes = [
            models.Index(fields=["transaction_number"]),
            models.Index(fields=["supplier_number"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="payment_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="payment_source_key_given", condition=~Q(source_key="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paid_on} {self.amount} {self.currency}"


class RateOrigin(models.TextChoices):
    REFERENCE = "reference", _("Reference rate")
    MANUAL = "manual", _("Entered by hand")


class ExchangeRate(Record):
    """What one unit of a currency was worth in another on a day.

    Holds what the shipped file doesn't: reference rates read since, of one euro, and
    those that a person gives. Postings keep the rate they used; none is re-rated.
    """

    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    quoted_in = models.CharField(
        _("worth in"), max_length=3, validators=[currency_code]
    )
    day = models.DateField(
        _("day"), help_text=_("It also serves the days after it that have none.")
    )
    factor = FactorField(
        _("rate"), help_text=_("What one unit of the currency is worth.")
    )
    origin = models.CharField(
        max_length=10,
        choices=RateOrigin.choices,
        default=RateOrigin.MANUAL,
        editable=False,
    )
    source = models.CharField(
        _("source"), max_length=60, help_text=_("Where the rate is from.")
    )

    class Meta:
        ordering = ["-day", "currency", "quoted_in"]
        verbose_name = _("exchange rate")
        constraints = [
            models.UniqueConstraint(
                name="exchange_rate_once_a_day",
                fields=["currency", "quoted_in", "day", "origin"],
                violation_error_message=_(
                    "There is such a rate for this day: edit it."
                ),
            ),
            models.CheckConstraint(
                name="exchange_rate_positive",
                condition=Q(factor__gt=0),
                violation_error_message=_("The rate must be above 0."),
            ),
            models.CheckConstraint(
                name="exchange_rate_between_two_currencies",
                condition=~Q(currency=F("quoted_in")),
                violation_error_message=_("Choose two currencies."),
            ),
            models.CheckConstraint(
                name="exchange_rate_currency_codes",
                condition=Q(has_length("currency", 3), has_length("quoted_in", 3)),
            ),
            models.CheckConstraint(
                name="exchange_rate_origin_known",
                condition=Q(origin__in=RateOrigin.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} in {self.quoted_in}, {self.day}"


class LedgerEntry(models.Model):
    """One posting; append-only in the database, answered by a reversal when wrong.

    Vendor, model and cost centre are snapshots of the day of posting. `amount` is in
    the engagement's currency, `reporting_amount` in the reporting currency at the
    rate, date and source kept beside it. Positive is cost.
    """

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("model"), max_length=12, choices=Kind.choices)
    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        related_name="ledger_entries",
        verbose_name=_("cost centre"),
    )
    day = models.DateField(_("day"))
    month = models.DateField(_("month of service"))
    charge_kind = models.CharField(
        _("charge"), max_length=12, choices=ChargeKind.choices
    )
    basis = models.CharField(_("basis"), max_length=8, choices=Basis.choices)
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    fx_rate = FactorField(_("rate"))
    fx_on = models.DateField(_("rate of"))
    fx_source = models.CharField(_("rate from"), max_length=60)
    reporting_amount = MoneyField(_("amount in the reporting currency"))
    source_type = models.CharField(
        _("source"), max_length=16, choices=SourceType.choices
    )
    source_id = models.BigIntegerField()
    posted_at = models.DateTimeField(_("posted at"))
    reversal_of = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="reversal",
        verbose_name=_("reversal of"),
    )
    # One source posts each of its parts once: refused by the database when repeated.
    posting_key = models.CharField(max_length=80, unique=True, editable=False)

    objects = MoneyScoped.as_manager()

    class Meta:
        ordering = ["month", "day", "id"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes = [
            models.Index(fields=["engagement", "month", "day", "id"]),
            models.Index(fields=["vendor", "month", "day", "id"]),
            models.Index(fields=["source_type", "source_id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="ledger_entry_kind_known", condition=Q(kind__in=Kind.values)
            ),
            models.CheckConstraint(
                name="ledger_entry_basis_known", condition=Q(basis__in=Basis.values)
            ),
            models.CheckConstraint(
                name="ledger_entry_charge_known",
                condition=Q(charge_kind__in=ChargeKind.values),
            ),
            models.CheckConstraint(
                name="ledger_entry_source_known",
                condition=Q(source_type__in=SourceType.values),
            ),
            models.CheckConstraint(
                name="ledger_entry_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="ledger_entry_rate_positive", condition=Q(fx_rate__gt=0)
            ),
            models.CheckConstraint(
                name="ledger_entry_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="ledger_entry_not_own_reversal",
                condition=Q(reversal_of__isnull=True) | ~Q(reversal_of=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.amount} {self.currency}"


class MonthlySpend(models.Model):
    """Roll-up of the ledger, kept in the posting's own transaction."""

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="monthly_spend"
    )
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    cost_centre = models.ForeignKey(
        CostCentre, on_delete=models.PROTECT, related_name="+"
    )
    month = models.DateField()
    charge_kind = models.CharField(max_length=12, choices=ChargeKind.choices)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    amount = MoneyField()
    reporting_amount = MoneyField()

    objects = MoneyScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["month", "kind"]),
            models.Index(fields=["vendor", "month"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="monthly_spend_once",
                fields=["engagement", "month", "cost_centre", "charge_kind", "basis"],
            ),
            models.CheckConstraint(
                name="monthly_spend_month_is_first_day", condition=Q(month__day=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.reporting_amount}"
