"""The one way into the ledger: entries and their roll-up in one transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from engagements.choices import ChargeKind
from engagements.models import CostCentre, CostSplit, Engagement
from engagements.values.money import allocate, round_money
from engagements.values.periods import month_of
from tracker.spend.fx import Rates
from tracker.spend.insertion import insert_all
from tracker.spend.models import (
    Basis,
    LedgerEntry,
    MonthlySpend,
    SourceType,
    StaleMonth,
    booked_month,
    first_open_month,
    hold_months_open,
)
from tracker.spend.services.daily_cap import take_from_cap

# Cost centre ids with their percentages, from a day on.
Split = tuple[date, list[tuple[int, Decimal]]]

_HELD_AT_ONCE = 5000

# Told, in the posting's transaction, whose spend it changed.
Follower = Callable[[set[int]], None]

_FOLLOWERS: list[Follower] = []


def after_posting(follower: Follower) -> Follower:
    """Register what is kept in line with the ledger; accruals' own entries aside."""
    if follower not in _FOLLOWERS:
        _FOLLOWERS.append(follower)
    return follower


def hold(engagements: Iterable[int]) -> None:
    """Let others who post on these engagements, or accrue them, wait for us.

    Rows are locked in one order, before any roll-up: so nobody deadlocks, and nobody
    accrues what is being billed at the same time.
    """
    ids = sorted(set(engagements))
    for start in range(0, len(ids), _HELD_AT_ONCE):
        part = ids[start : start + _HELD_AT_ONCE]
        rows = Engagement.objects.filter(pk__in=part).order_by("pk")
        list(rows.select_for_update().values_list("pk", flat=True))


@dataclass(frozen=True)
class Posting:
    """An amount to post, in the engagement's currency; positive is cost.

    `part` tells several postings of one source apart.
    """

    engagement: Engagement
    day: date
    charge_kind: ChargeKind
    basis: Basis
    amount: Decimal
    source_type: SourceType
    source_id: int
    part: str = field(default="")


@transaction.atomic
def post(
    postings: Sequence[Posting], *, reversing: Iterable[LedgerEntry] = ()
) -> list[LedgerEntry]:
    """Post the amounts, split over cost centres, and roll them up by month.

    The split is that in force on the posting's day; without one the amount goes to
    the cost centre UNALLOCATED. Parts sum to the amount to the cent in both
    currencies. What belongs to a closed month is booked in the first open one and
    keeps its month of service. Entries that the postings take the place of are
    reversed along with them. Raises MissingRateError, and IntegrityError where a
    source was posted before.
    """
    reckoning = Reckoning({posting.engagement.pk for posting in postings})
    entries = [_opposite(entry) for entry in reversing]
    for posting in postings:
        entries += reckoning.entries(posting)
    return _store(entries)


class Reckoning:
    """What postings on some engagements come to, unsaved; splits are read at once."""

    def __init__(self, engagements: set[int]) -> None:
        self._splits = Splits(engagements)
        self._rates = Rates()

    def entries(self, posting: Posting) -> Iterable[LedgerEntry]:
        """Return the entries that posting it stores. Raises MissingRateError."""
        shares = self._splits.on(posting.engagement.pk, posting.day)
        return _entries(posting, shares, self._rates)


@transaction.atomic
def reverse(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Post the exact opposite of each entry, at the entry's own rate."""
    return _store([_opposite(entry) for entry in entries])


def _store(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    if not entries:
        return []
    hold_months_open()
    first_open = first_open_month()
    now = timezone.now()
    for entry in entries:
        # What is reversed was booked at or after its month of service.
        entry.booked_month = booked_month(entry.booked_month, first_open)
        entry.posted_at = now
    hold(entry.engagement_id for entry in entries)
    take_from_cap(entries)
    stored = insert_all(entries)
    roll_up(stored)
    mark_stale(entry.booked_month for entry in stored)
    _tell_followers(stored)
    return stored


def _tell_followers(entries: Sequence[LedgerEntry]) -> None:
    moved = {
        entry.engagement_id
        for entry in entries
        if entry.source_type != SourceType.ACCRUAL
    }
    if moved:
        for follower in _FOLLOWERS:
            follower(moved)


def mark_stale(months: Iterable[date]) -> None:
    """Say that the totals of these months lag behind what is being written."""
    StaleMonth.objects.bulk_create(
        StaleMonth(booked_month=month) for month in sorted(set(months))
    )


def _entries(
    posting: Posting, shares: list[tuple[int, Decimal]], rates: Rates
) -> Iterable[LedgerEntry]:
    engagement = posting.engagement
    reporting = settings.REPORTING_CURRENCY
    rate = rates.on(engagement.currency, posting.day)
    converted = round_money(posting.amount * rate.factor, reporting)
    weights = [percent for _centre, percent in shares]
    amounts = allocate(posting.amount, weights, engagement.currency)
    reported = allocate(converted, weights, reporting)
    source = f"{posting.source_type}:{posting.source_id}:{posting.part}"
    month = month_of(posting.day)
    for (centre, _percent), amount, reporting_amount in zip(
        shares, amounts, reported, strict=True
    ):
        yield LedgerEntry(
            engagement_id=engagement.pk,
            vendor_id=engagement.vendor_id,
            kind=engagement.kind,
            cost_centre_id=centre,
            day=posting.day,
            month=month,
            booked_month=month,
            charge_kind=posting.charge_kind,
            basis=posting.basis,
            amount=amount,
            currency=engagement.currency,
            fx_rate=rate.factor,
            fx_on=rate.rated_on,
            fx_source=rate.source,
            reporting_amount=reporting_amount,
            source_type=posting.source_type,
            source_id=posting.source_id,
            posting_key=f"{source}:{centre}",
        )


def _opposite(entry: LedgerEntry) -> LedgerEntry:
    return LedgerEntry(
        engagement_id=entry.engagement_id,
        vendor_id=entry.vendor_id,
        kind=entry.kind,
        cost_centre_id=entry.cost_centre_id,
        day=entry.day,
        month=entry.month,
        booked_month=entry.booked_month,
        charge_kind=entry.charge_kind,
        basis=entry.basis,
        amount=-entry.amount,
        currency=entry.currency,
        fx_rate=entry.fx_rate,
        fx_on=entry.fx_on,
        fx_source=entry.fx_source,
        reporting_amount=-entry.reporting_amount,
        source_type=entry.source_type,
        source_id=entry.source_id,
        reversal_of=entry,
        posting_key=f"reversal:{entry.pk}",
    )


class Splits:
    """The cost splits of some engagements, read at once."""

    def __init__(self, engagements: set[int]) -> None:
        self._unallocated: int | None = None
        self._by_engagement: dict[int, list[Split]] = defaultdict(list)
        rows = (
            CostSplit.objects.filter(engagement_id__in=engagements)
            if len(engagements) <= 500
            else CostSplit.objects.all()
        )
        for split in rows.order_by("starts_on").prefetch_related("shares"):
            shares = [(s.cost_centre_id, s.percent) for s in split.shares.all()]
            self._by_engagement[split.engagement_id].append((split.starts_on, shares))

    def on(self, engagement: int, day: date) -> list[tuple[int, Decimal]]:
        in_force = [
            shares
            for starts_on, shares in self._by_engagement.get(engagement, [])
            if starts_on <= day
        ]
        return in_force[-1] if in_force else [(self._fallback(), Decimal(100))]

    def _fallback(self) -> int:
        if self._unallocated is None:
            centre, _created = CostCentre.objects.get_or_create(
                code=CostCentre.UNALLOCATED, defaults={"name": "Unallocated"}
            )
            self._unallocated = centre.pk
        return self._unallocated


_UPSERT = """
INSERT INTO {table} (engagement_id, month, booked_month, cost_centre_id, charge_kind,
                     basis, vendor_id, kind, amount, reporting_amount)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (engagement_id, month, booked_month, cost_centre_id, charge_kind, basis)
DO UPDATE SET
    amount = {table}.amount + excluded.amount,
    reporting_amount = {table}.reporting_amount + excluded.reporting_amount
"""

Key = tuple[int, date, date, int, str, str]


def roll_up(entries: Sequence[LedgerEntry]) -> None:
    """Add the entries to the monthly roll-up.

    Rows are written in the order of their key: writers that lock rows in one order
    can't deadlock.
    """
    sums: dict[Key, list[Decimal]] = {}
    owners: dict[int, tuple[int, str]] = {}
    for entry in entries:
        key: Key = (
            entry.engagement_id,
            entry.month,
            entry.booked_month,
            entry.cost_centre_id,
            str(entry.charge_kind),
            str(entry.basis),
        )
        total = sums.setdefault(key, [Decimal(0), Decimal(0)])
        total[0] += entry.amount
        total[1] += entry.reporting_amount
        owners[entry.engagement_id] = (entry.vendor_id, str(entry.kind))
    money = MonthlySpend._meta.get_field("amount")
    day = MonthlySpend._meta.get_field("month")
    rows = [
        (
            key[0],
            day.get_db_prep_value(key[1], connection),
            day.get_db_prep_value(key[2], connection),
            *key[3:],
            *owners[key[0]],
            money.get_prep_value(sums[key][0]),
            money.get_prep_value(sums[key][1]),
        )
        for key in sorted(sums)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT.format(table=MonthlySpend._meta.db_table), rows)
