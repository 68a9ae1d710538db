from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import ChargeKind, Kind
from engagements.models import CostCentre, Engagement, Vendor
from engagements.models.fields import FactorField, MoneyField
from engagements.models.record import has_length
from tracker.spend.models.scoped import MoneyScoped


class Basis(models.TextChoices):
    ACCRUED = "accrued", _("Accrued: worked, not yet invoiced")
    ACTUAL = "actual", _("Actual: invoiced or paid")


class SourceType(models.TextChoices):
    WORK_LOG = "work_log", _("Work log")
    INVOICE_LINE = "invoice_line", _("Invoice line")
    PAYMENT = "payment", _("Imported payment")
    CREDIT = "credit", _("Service credit")
    ACCRUAL = "accrual", _("Month-end accrual")


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
    # The same, unless that was closed when the document came.
    booked_month = models.DateField(_("booked in"))
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
            # Pages of all entries, and of a vendor's, newest booked first.
            models.Index(fields=["booked_month", "day", "id"]),
            models.Index(fields=["vendor", "booked_month", "day", "id"]),
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
                name="ledger_entry_booked_month_is_first_day",
                condition=Q(booked_month__day=1),
            ),
            models.CheckConstraint(
                name="ledger_entry_not_booked_before_service",
                condition=Q(booked_month__gte=F("month")),
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
    booked_month = models.DateField()
    charge_kind = models.CharField(max_length=12, choices=ChargeKind.choices)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    amount = MoneyField()
    reporting_amount = MoneyField()

    objects = MoneyScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["booked_month", "kind"]),
            models.Index(fields=["vendor", "month"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="monthly_spend_once",
                fields=[
                    "engagement",
                    "month",
                    "booked_month",
                    "cost_centre",
                    "charge_kind",
                    "basis",
                ],
            ),
            models.CheckConstraint(
                name="monthly_spend_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="monthly_spend_booked_month_is_first_day",
                condition=Q(booked_month__day=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.reporting_amount}"


class Dimension(models.TextChoices):
    ALL = "all", _("All")
    VENDOR = "vendor", _("Vendor")
    COST_CENTRE = "cost_centre", _("Cost centre")


class MonthTotal(models.Model):
    """Spend of one booked month by one dimension, model and basis; tax left out.

    Derived from MonthlySpend a month at a time. It counts for a month as long as no
    StaleMonth names it. `member_id` is the vendor's or the cost centre's, or 0.
    """

    booked_month = models.DateField()
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    member_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    reporting_amount = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="month_total_once",
                fields=["dimension", "booked_month", "member_id", "kind", "basis"],
            ),
            models.CheckConstraint(
                name="month_total_month_is_first_day", condition=Q(booked_month__day=1)
            ),
            models.CheckConstraint(
                name="month_total_dimension_known",
                condition=Q(dimension__in=Dimension.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booked_month:%Y-%m} {self.dimension} {self.reporting_amount}"


class StaleMonth(models.Model):
    """A mark that a posting leaves: the totals of this month lag behind.

    One row per transaction and month, never updated, so that writers don't wait for
    one another; whoever refreshes the totals takes away the marks it has seen.
    """

    booked_month = models.DateField(db_index=True)

    def __str__(self) -> str:
        return f"{self.booked_month:%Y-%m}"


class TotalsVersion(models.Model):
    """How often totals were refreshed, and up to which event; one row.

    Together with how many marks, and how many events since, there are it names a state
    of the ledger and of all records: see `data_version`.
    """

    refreshed = models.PositiveBigIntegerField(default=0)
    # The last event so old that no transaction of its time is still open.
    events_through = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="totals_version_one_row", condition=Q(id=1))
        ]

    def __str__(self) -> str:
        return str(self.refreshed)
