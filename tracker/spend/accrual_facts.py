"""What the records say of engagements: read at once, however many there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Min, Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Kind, Renewal, Status
from engagements.models import (
    Charge,
    Engagement,
    FeeTerm,
    RateTerm,
)
from engagements.values.commitment import Price
from engagements.values.periods import add_months, month_of
from tracker.spend.accrual import AgreedCredit, Billed, Facts
from tracker.spend.credits_agreed import credits_agreed
from tracker.spend.earnings import AgreedCharge, Rate, Terms, Worked
from tracker.spend.models import (
    Basis,
    InvoiceLine,
    LedgerEntry,
    Settlement,
    SourceType,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)

STARTED = (Status.ACTIVE, Status.ENDED, Status.TERMINATED)
# Hours of these sheets count; drafts and what was rejected cost nothing.
COUNTED = (
    TimesheetStatus.SUBMITTED,
    TimesheetStatus.APPROVED,
    TimesheetStatus.INVOICED,
)
_DOCUMENTS = {
    SourceType.INVOICE_LINE.value: "invoice",
    SourceType.PAYMENT.value: "payment",
}
Span = tuple[date, date]


@dataclass
class _Rows:
    """Rows by engagement id."""

    fees: dict[int, list[Price]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[int, list[Rate]] = field(default_factory=lambda: defaultdict(list))
    charges: dict[int, list[AgreedCharge]] = field(
        default_factory=lambda: defaultdict(list)
    )
    work: dict[int, list[Worked]] = field(default_factory=lambda: defaultdict(list))
    given: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    sheets: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    billed: dict[int, list[Billed]] = field(default_factory=lambda: defaultdict(list))
    hours: dict[int, Decimal] = field(default_factory=dict)
    settled: dict[int, date] = field(default_factory=dict)
    first_service: dict[int, date] = field(default_factory=dict)
    credits: dict[int, list[AgreedCredit]] = field(default_factory=dict)


def facts_of(engagements: Iterable[Engagement]) -> dict[int, Facts]:
    """Return by id what accrual, commitment and forecast reckon with.

    Of those that started; in a fixed number of queries.
    """
    started = [one for one in engagements if one.status in STARTED]
    rows = _read([one.pk for one in started])
    return {one.pk: _facts(one, rows) for one in started}


def terms_of(engagements: Iterable[Engagement]) -> dict[int, Terms]:
    """Return by id what was agreed alone, from the first day on."""
    chosen = list(engagements)
    rows = _Rows()
    _read_terms(rows, [one.pk for one in chosen])
    return {one.pk: _terms(one, rows, one.starts_on) for one in chosen}


def _read(ids: Collection[int]) -> _Rows:
    rows = _Rows(credits=credits_agreed(ids))
    _read_terms(rows, ids)
    _read_work(rows, ids)
    _read_billed(rows, ids)
    for engagement, settled_at in Settlement.objects.filter(
        engagement__in=ids
    ).values_list("engagement_id", "settled_at"):
        day = month_of(timezone.localdate(settled_at))
        rows.settled[engagement] = max(day, rows.settled.get(engagement, day))
    firsts = LedgerEntry.objects.filter(engagement__in=ids).exclude(
        source_type=SourceType.ACCRUAL
    )
    rows.first_service = dict(
        firsts.order_by().values_list("engagement_id").annotate(first=Min("month"))
    )
    return rows


def _read_terms(rows: _Rows, ids: Collection[int]) -> None:
    fees = FeeTerm.objects.filter(contract__in=ids).order_by("starts_on")
    for contract, *fee in fees.values_list("contract_id", "starts_on", "monthly_fee"):
        rows.fees[contract].append(Price(*fee))
    for rate in RateTerm.objects.filter(assignment__in=ids).order_by("starts_on"):
        rows.rates[rate.assignment_id].append(
            Rate(rate.starts_on, rate.hourly_rate, rate.overtime_multiplier)
        )
    planned = Engagement.objects.filter(pk__in=ids, assignment__isnull=False)
    rows.hours = dict(planned.values_list("pk", "assignment__planned_weekly_hours"))
    kinds = (ChargeKind.MILESTONE, ChargeKind.ONE_OFF)
    charges = Charge.objects.filter(engagement__in=ids, charge_kind__in=kinds)
    for charge in charges.order_by("pk"):
        rows.charges[charge.engagement_id].append(
            AgreedCharge(
                charge.description,
                charge.charge_kind,
                charge.amount,
                charge.accepted_on,
                charge.due_on,
            )
        )


def _read_work(rows: _Rows, ids: Collection[int]) -> None:
    logs = WorkLog.objects.told().filter(
        engagement__in=ids, engagement__kind=Kind.AUGMENTED
    )
    for engagement, day, hours, is_overtime, sheet in logs.order_by(
        "worked_on", "pk"
    ).values_list("engagement_id", "worked_on", "hours", "is_overtime", "timesheet_id"):
        rows.work[engagement].append(Worked(day, hours, is_overtime, sheet is not None))
    sheets = Timesheet.objects.filter(engagement__in=ids, status__in=COUNTED)
    for engagement, *span in sheets.values_list(
        "engagement_id", "starts_on", "ends_on"
    ):
        rows.sheets[engagement].append((span[0], span[1]))


def _read_billed(rows: _Rows, ids: Collection[int]) -> None:
    """Read what was posted, so that what counts is what stands in the ledger."""
    posted = (
        LedgerEntry.objects.filter(
            engagement__in=ids, basis=Basis.ACTUAL, source_type__in=_DOCUMENTS
        )
        .order_by()
        .values_list(
            "engagement_id", "month", "charge_kind", "source_type", "source_id"
        )
        .annotate(total=Sum("amount"))
    )
    found = [row for row in posted if row[-1]]
    lines = {row[4] for row in found if row[3] == SourceType.INVOICE_LINE}
    documents = InvoiceLine.objects.filter(engagement__in=ids).values_list(
        "pk", "invoice__number", "engagement_id", "charge_kind", *_PERIOD
    )
    numbers = {}
    for pk, number, engagement, charge, first, last in documents:
        numbers[pk] = number
        if charge == ChargeKind.TIME and pk in lines:
            rows.given[engagement].append((first, last))
    for engagement, month, charge, source, source_id, amount in found:
        is_line = source == SourceType.INVOICE_LINE
        document = numbers.get(source_id, "") if is_line else ""
        rows.billed[engagement].append(
            Billed(month, charge, amount, document, _DOCUMENTS[source], source_id)
        )


_PERIOD = ("period_from", "period_to")


def _facts(engagement: Engagement, rows: _Rows) -> Facts:
    pk = engagement.pk
    first = _reckoned_from(engagement, rows.first_service.get(pk))
    terms = _terms(engagement, rows, first)
    return Facts(
        terms=terms,
        billed=_counted(engagement, terms, rows.billed.get(pk, [])),
        credits=rows.credits.get(pk, ()),
        settled_in=rows.settled.get(pk),
    )


def _terms(engagement: Engagement, rows: _Rows, first: date) -> Terms:
    pk = engagement.pk
    return Terms(
        currency=engagement.currency,
        country=engagement.country,
        first=first,
        last=last_day(engagement),
        fees=rows.fees.get(pk, ()),
        rates=rows.rates.get(pk, ()),
        weekly_hours=rows.hours.get(pk, Decimal(0)),
        charges=rows.charges.get(pk, ()),
        work=rows.work.get(pk, ()),
        given=rows.given.get(pk, ()),
        sheets=rows.sheets.get(pk, ()),
    )


def last_day(engagement: Engagement) -> date | None:
    """Return the last day that is agreed; one that renews by itself has none yet."""
    is_rolling = engagement.renewal == Renewal.AUTO and not engagement.notice_given_on
    if is_rolling and engagement.status == Status.ACTIVE:
        return engagement.ends_on
    return engagement.ends_on or engagement.term_ends_on


def _reckoned_from(engagement: Engagement, first_service: date | None) -> date:
    """Return the day from which what was earned is held against invoices.

    What ran long before it was recorded was billed elsewhere until then.
    """
    recorded = month_of(timezone.localdate(engagement.created_at))
    if add_months(month_of(engagement.starts_on), 1) >= recorded:
        return engagement.starts_on
    known = min(recorded, first_service or recorded)
    return max(engagement.starts_on, known)


def _counted(
    engagement: Engagement, terms: Terms, billed: list[Billed]
) -> list[Billed]:
    """Keep what bills something that is earned by days, hours or acceptance.

    Units, expenses and other extras are earned as they are billed; credits stand by
    themselves, tax is no spend. Payments count where no invoice is recorded: else they
    pay invoices that count already.
    """
    kinds = {charge.charge for charge in terms.charges}
    kinds.add(
        ChargeKind.RECURRING.value
        if engagement.kind == Kind.MANAGED
        else ChargeKind.TIME.value
    )
    if not any(one.source == "invoice" for one in billed):
        kinds.add(ChargeKind.PAYMENT.value)
    return [
        one
        for one in billed
        if one.charge in kinds and one.month >= terms.first.replace(day=1)
    ]
