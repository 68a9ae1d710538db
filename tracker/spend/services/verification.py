"""Does the ledger add up? Roll-ups, sources and reversals recomputed and compared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import (
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from engagements.choices import ChargeKind, Kind
from engagements.errors import TrackerError
from engagements.models import CostCentre, CostSplit, Engagement, Event, RateTerm
from engagements.models.fields import MoneyField, PercentField
from tracker.spend.models import (
    Accrual,
    Basis,
    ClosedMonth,
    Dimension,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    MonthlySpend,
    MonthTotal,
    Payment,
    SourceType,
    StaleMonth,
    WorkLog,
)
from tracker.spend.services.work import HourlyRates, cost_of

_READ_AT_A_TIME = 2000
_NOTHING = (Decimal(0), Decimal(0))

_PLACE = ("engagement_id", "month", "booked_month", "cost_centre_id")
_PART = ("charge_kind", "basis")

Place = tuple[int, date, date, int]
Part = tuple[str, str]
Amounts = tuple[Decimal, Decimal]


class LedgerMismatchError(TrackerError):
    """What is kept beside the ledger differs from it."""


@dataclass(frozen=True)
class RollUpMismatch:
    """A month whose roll-up isn't what its entries sum to, in both currencies."""

    engagement: str
    month: date
    booked_month: date
    cost_centre: str
    charge_kind: str
    basis: str
    ledger: Decimal
    roll_up: Decimal
    ledger_reporting: Decimal
    roll_up_reporting: Decimal


@dataclass(frozen=True)
class TotalMismatch:
    """A month's total that isn't what the roll-up sums to, in the reporting currency.

    `member` is a vendor's or a cost centre's id, 0 where the dimension is `all`.
    """

    booked_month: date
    dimension: str
    member: int
    kind: str
    basis: str
    roll_up: Decimal
    total: Decimal


@dataclass(frozen=True)
class BookingMismatch:
    """An entry that was booked into a month while that was closed."""

    entry: int
    booked_month: date


@dataclass(frozen=True)
class SourceMismatch:
    """A document whose amount isn't what the ledger holds of it."""

    source: str
    source_id: int
    document: Decimal
    ledger: Decimal


@dataclass(frozen=True)
class UnknownSource:
    """An entry whose document is gone, or is another engagement's or another day's.

    Hours that don't count, such as withdrawn ones, are none either.
    """

    entry: int
    source: str
    source_id: int


@dataclass(frozen=True)
class UnpostedWork:
    """Hours of a contractor that count, and that neither an entry nor a bill is of."""

    work_log: int
    engagement: str
    day: date
    hours: Decimal


@dataclass(frozen=True)
class ReversalMismatch:
    """An entry that says it reverses another but isn't its exact opposite."""

    entry: int
    reversal_of: int


@dataclass(frozen=True)
class SplitMismatch:
    """A cost split whose shares don't sum to 100 per cent."""

    engagement: str
    starts_on: date
    percent: Decimal


@dataclass(frozen=True)
class Verification:
    """What was compared and what differs; `total` is in the reporting currency."""

    entries: int
    roll_ups: int
    totals: int
    documents: int
    total: Decimal
    currency: str
    roll_up_mismatches: list[RollUpMismatch]
    total_mismatches: list[TotalMismatch]
    booking_mismatches: list[BookingMismatch]
    source_mismatches: list[SourceMismatch]
    reversal_mismatches: list[ReversalMismatch]
    unknown_sources: list[UnknownSource]
    unposted_work: list[UnpostedWork]
    split_mismatches: list[SplitMismatch]

    @property
    def differences(self) -> int:
        return sum(
            len(mismatches)
            for mismatches in (
                self.roll_up_mismatches,
                self.total_mismatches,
                self.booking_mismatches,
                self.source_mismatches,
                self.reversal_mismatches,
                self.unknown_sources,
                self.unposted_work,
                self.split_mismatches,
            )
        )

    @property
    def is_exact(self) -> bool:
        return not self.differences

    @property
    def months_to_rebuild(self) -> list[date]:
        """The booked months of which something derived differs."""
        rolled_up = {mismatch.booked_month for mismatch in self.roll_up_mismatches}
        return sorted(rolled_up | {each.booked_month for each in self.total_mismatches})


def verify_ledger() -> Verification:
    """Recompute everything that is derived from the ledger, as of one moment."""
    with _one_snapshot():
        # Tax is recorded but is no spend.
        sums = LedgerEntry.objects.exclude(charge_kind=ChargeKind.TAX).aggregate(
            total=Sum("reporting_amount")
        )
        return Verification(
            entries=LedgerEntry.objects.count(),
            roll_ups=MonthlySpend.objects.count(),
            totals=MonthTotal.objects.count(),
            documents=posted_lines().count() + posted_payments().count(),
            total=sums["total"] or Decimal(0),
            currency=settings.REPORTING_CURRENCY,
            roll_up_mismatches=list(_roll_up_mismatches()),
            total_mismatches=list(_total_mismatches()),
            booking_mismatches=list(_booking_mismatches()),
            source_mismatches=[*_source_mismatches(), *_work_mismatches()],
            reversal_mismatches=list(_reversal_mismatches()),
            unknown_sources=list(_unknown_sources()),
            unposted_work=list(_unposted_work()),
            split_mismatches=list(_split_mismatches()),
        )


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Read as of one moment: what is posted meanwhile is neither half in nor half out.

    SQLite's transactions always do. Inside another transaction its own view holds.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
        yield


def _sums(rows: QuerySet[Any], side: int) -> Iterator[tuple[Place, Part, int, Amounts]]:
    found = (
        rows.order_by()
        .values_list(*_PLACE, *_PART)
        .annotate(a=Sum("amount"), r=Sum("reporting_amount"))
        .order_by(*_PLACE)
    )
    for row in found.iterator(chunk_size=_READ_AT_A_TIME):
        yield row[:4], row[4:6], side, row[6:]


def _roll_up_mismatches() -> Iterator[RollUpMismatch]:
    differing = list(_differing())
    references = Engagement.objects.in_bulk({place[0] for place, *_ in differing})
    centres = CostCentre.objects.in_bulk({place[3] for place, *_ in differing})
    for (engagement, month, booked, centre), (charge, basis), ledger, kept in differing:
        yield RollUpMismatch(
            engagement=references[engagement].reference,
            month=month,
            booked_month=booked,
            cost_centre=centres[centre].code,
            charge_kind=charge,
            basis=basis,
            ledger=ledger[0],
            roll_up=kept[0],
            ledger_reporting=ledger[1],
            roll_up_reporting=kept[1],
        )


def _differing() -> Iterator[tuple[Place, Part, Amounts, Amounts]]:
    """Walk both in one order, so that neither is held in memory.

    The order is that of numbers and days alone: databases sort words by their own
    rules.
    """
    both = merge(
        _sums(LedgerEntry.objects.all(), 0),
        _sums(MonthlySpend.objects.all(), 1),
        key=itemgetter(0),
    )
    for place, rows in groupby(both, key=itemgetter(0)):
        parts: dict[Part, list[Amounts]] = {}
        for _place, part, side, amounts in rows:
            parts.setdefault(part, [_NOTHING, _NOTHING])[side] = amounts
        for part, (ledger, kept) in sorted(parts.items()):
            if ledger != kept:
                yield place, part, ledger, kept


def _total_mismatches() -> Iterator[TotalMismatch]:
    """Compare the totals that readers rely on: those of months without a mark."""
    marked = StaleMonth.objects.values("booked_month")
    rolled_up = MonthlySpend.objects.exclude(charge_kind=ChargeKind.TAX)
    kept = MonthTotal.objects.exclude(booked_month__in=marked)
    for dimension, member in _MEMBERS.items():
        columns = ("booked_month", member, "kind", "basis")
        sums = rolled_up.exclude(booked_month__in=marked).order_by()
        derived = _by_key(
            sums.values_list(*columns).annotate(sum=Sum("reporting_amount"))
        )
        totals = _by_key(
            kept.filter(dimension=dimension).values_list(
                "booked_month", "member_id", "kind", "basis", "reporting_amount"
            )
        )
        # A row too many is told even where it comes to nothing.
        for key in sorted(derived.keys() | totals.keys()):
            if derived.get(key) != totals.get(key):
                month, member_id, kind, basis = key
                yield TotalMismatch(
                    booked_month=month,
                    dimension=dimension.value,
                    member=member_id,
                    kind=kind,
                    basis=basis,
                    roll_up=derived.get(key, Decimal(0)),
                    total=totals.get(key, Decimal(0)),
                )


def _by_key(rows: QuerySet[Any, Any]) -> dict[tuple[date, int, str, str], Decimal]:
    return {(month, member, *rest): amount for month, member, *rest, amount in rows}


# What names a dimension's members in the roll-up.
_MEMBERS: dict[Dimension, Any] = {
    Dimension.ALL: Value(0),
    Dimension.VENDOR: F("vendor_id"),
    Dimension.COST_CENTRE: F("cost_centre_id"),
}


def _booking_mismatches() -> Iterator[BookingMismatch]:
    was_closed = ClosedMonth.objects.filter(
        month__gte=OuterRef("booked_month"), closed_at__lt=OuterRef("posted_at")
    ).filter(Q(reopened_at__isnull=True) | Q(reopened_at__gt=OuterRef("posted_at")))
    wrong = LedgerEntry.objects.filter(Exists(was_closed)).order_by("pk")
    for pk, month in wrong.values_list("pk", "booked_month"):
        yield BookingMismatch(pk, month)


def posted_lines() -> QuerySet[InvoiceLine]:
    """Return the lines that are spend: those of drafts are not yet."""
    return InvoiceLine.objects.exclude(invoice__status=InvoiceStatus.DRAFT)


def posted_payments() -> QuerySet[Payment]:
    """Return the payments that are spend: others pay for a recorded invoice."""
    return Payment.objects.filter(invoice=None)


@dataclass(frozen=True)
class Documents:
    """The stored records that entries of one source may be of, each an engagement's.

    `amount` is what the ledger holds of each; None where one sum can't tell it.
    """

    rows: Callable[[], QuerySet[Any]]
    amount: Combinable | None = None


_DOCUMENTS: dict[SourceType, Documents] = {
    SourceType.INVOICE_LINE: Documents(posted_lines, F("amount")),
    SourceType.PAYMENT: Documents(posted_payments, F("amount")),
    SourceType.WORK_LOG: Documents(WorkLog.objects.counted),
    SourceType.ACCRUAL: Documents(Accrual.objects.all),
}


def documents_of(source_type: SourceType, documents: Documents) -> None:
    """Register what entries are of, where a slice above spend keeps it."""
    _DOCUMENTS[source_type] = documents


def _source_mismatches() -> Iterator[SourceMismatch]:
    for source_type, documents in _DOCUMENTS.items():
        if documents.amount is None:
            continue
        posted = (
            LedgerEntry.objects.filter(
                source_type=source_type, source_id=OuterRef("pk")
            )
            .order_by()
            .values("source_id")
            .annotate(total=Sum("amount"))
            .values("total")
        )
        wrong = (
            documents.rows()
            .annotate(
                due=documents.amount,
                posted=Coalesce(
                    Subquery(posted), Decimal(0), output_field=MoneyField()
                ),
            )
            .exclude(posted=F("due"))
        )
        for pk, due, found in wrong.order_by("pk").values_list("pk", "due", "posted"):
            yield SourceMismatch(source_type.value, pk, due, found)


def _unknown_sources() -> Iterator[UnknownSource]:
    """Go from the ledger to its documents.

    Lines of a timesheet that was given back may be gone: what was posted of them is
    reversed, and what is reversed is not looked at.
    """
    standing = LedgerEntry.objects.filter(
        reversal_of__isnull=True, reversal__isnull=True
    )
    for source_type, documents in _DOCUMENTS.items():
        same = documents.rows().filter(
            pk=OuterRef("source_id"), engagement=OuterRef("engagement")
        )
        if source_type == SourceType.WORK_LOG:
            same = same.filter(worked_on=OuterRef("day"))
        unknown = standing.filter(~Exists(same), source_type=source_type)
        for pk, source_id in unknown.order_by("pk").values_list("pk", "source_id"):
            yield UnknownSource(pk, source_type.value, source_id)


def _work_mismatches() -> Iterator[SourceMismatch]:
    """Compare hours that stand in the ledger with their cost at the rate of their day.

    What was posted before a rate of its engagement was changed or removed isn't
    compared: nobody knows the rate of then.
    """
    rates_moved_at = _rates_moved_at()
    standing = (
        LedgerEntry.objects.filter(
            source_type=SourceType.WORK_LOG,
            basis=Basis.ACCRUED,
            reversal_of__isnull=True,
            reversal__isnull=True,
        )
        .order_by()
        .values_list("source_id", "engagement_id")
        .annotate(sum=Sum("amount"), since=Max("posted_at"))
        .order_by("source_id")
    )
    told: list[tuple[int, Decimal]] = []
    for source_id, engagement_id, posted, since in standing.iterator(_READ_AT_A_TIME):
        moved_at = rates_moved_at.get(engagement_id)
        if moved_at is None or moved_at < since:
            told.append((source_id, posted))
        if len(told) == _READ_AT_A_TIME:
            yield from _differing_work(told)
            told = []
    yield from _differing_work(told)


def _rates_moved_at() -> dict[int, datetime]:
    """Return when the rates of each engagement were last changed or removed."""
    changed = RateTerm.objects.order_by().values_list("assignment_id")
    removed = Event.objects.filter(event_type="rateterm.deleted")
    moved = dict(changed.annotate(at=Max("updated_at")))
    for engagement_id, at in (
        removed.order_by().values_list("engagement_id").annotate(at=Max("occurred_at"))
    ):
        if engagement_id is not None:
            moved[engagement_id] = max(at, moved.get(engagement_id, at))
    return moved


def _differing_work(told: Sequence[tuple[int, Decimal]]) -> Iterator[SourceMismatch]:
    lines = (
        WorkLog.objects.counted()
        .select_related("engagement")
        .in_bulk([source_id for source_id, _posted in told])
    )
    rates = HourlyRates({line.engagement_id for line in lines.values()})
    for source_id, posted in told:
        # An entry whose hours are gone, or don't count, is told of as such.
        if source_id not in lines:
            continue
        due = _cost(lines[source_id], rates)
        if due is not None and due != posted:
            yield SourceMismatch(SourceType.WORK_LOG.value, source_id, due, posted)


def _cost(line: WorkLog, rates: HourlyRates) -> Decimal | None:
    try:
        return cost_of(line, rates)
    except ValidationError:
        # No rate is in force on the day: it was moved to before the first one.
        return None


def _unposted_work() -> Iterator[UnpostedWork]:
    entries = LedgerEntry.objects.filter(
        source_type=SourceType.WORK_LOG, source_id=OuterRef("pk")
    )
    standing = entries.filter(reversal_of__isnull=True, reversal__isnull=True)
    # A bill takes the place of hours for good, even where it was credited since.
    billing = posted_lines().filter(
        engagement=OuterRef("engagement"),
        invoice__kind=InvoiceKind.INVOICE,
        charge_kind=ChargeKind.TIME,
        period_from__lte=OuterRef("worked_on"),
        period_to__gte=OuterRef("worked_on"),
    )
    is_lost = ~Exists(entries) | (~Exists(standing) & ~Exists(billing))
    rows = WorkLog.objects.counted().filter(is_lost, engagement__kind=Kind.AUGMENTED)
    for row in rows.order_by("pk").values_list(
        "pk", "engagement__reference", "worked_on", "hours"
    ):
        yield UnpostedWork(*row)


def _split_mismatches() -> Iterator[SplitMismatch]:
    """PostgreSQL refuses these at commit; on SQLite nothing can."""
    nothing = Value(Decimal(0), output_field=PercentField())
    rows = (
        CostSplit.objects.annotate(sum=Coalesce(Sum("shares__percent"), nothing))
        .exclude(sum=Decimal(100))
        .order_by("pk")
    )
    for row in rows.values_list("engagement__reference", "starts_on", "sum"):
        yield SplitMismatch(*row)


def _reversal_mismatches() -> Iterator[ReversalMismatch]:
    is_opposite = Q(
        both=0,
        both_reporting=0,
        engagement_id=F("reversal_of__engagement_id"),
        month=F("reversal_of__month"),
        cost_centre_id=F("reversal_of__cost_centre_id"),
        charge_kind=F("reversal_of__charge_kind"),
        basis=F("reversal_of__basis"),
    )
    is_opposite &= Q(booked_month__gte=F("reversal_of__booked_month"))
    wrong = (
        LedgerEntry.objects.filter(reversal_of__isnull=False)
        .annotate(
            both=F("amount") + F("reversal_of__amount"),
            both_reporting=F("reporting_amount") + F("reversal_of__reporting_amount"),
        )
        .exclude(is_opposite)
    )
    for row in wrong.order_by("pk"):
        yield ReversalMismatch(row.pk, row.reversal_of_id or 0)
