"""Month-end accruals: reckoned, kept with their explanation, posted to the ledger.

The ledger's accrued balance of an engagement, credits aside, is brought to what the
reckoning says; hours that are accrued already are left, and only what differs is
posted. See docs/adr/0077-month-end-accruals.md.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet, Sum
from django.utils import timezone

from engagements import events
from engagements.choices import ChargeKind
from engagements.errors import TrackerError
from engagements.models import Engagement, User
from engagements.services.reporting_currency import Rate
from engagements.values.money import round_money
from engagements.values.periods import add_months, last_day_of_month, month_of
from tracker.spend.accrual import Position, position_at
from tracker.spend.accrual_facts import STARTED, facts_of
from tracker.spend.earnings import Cell
from tracker.spend.explained import as_json
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.models import (
    Accrual,
    Basis,
    ClosedMonth,
    LedgerEntry,
    SourceType,
    hold_months_open,
)
from tracker.spend.services.ledger import Posting, after_posting, hold, post

# So many engagements are reckoned and posted in one transaction.
_BATCH = 200
NOTHING = Decimal(0)


class MonthNotOverError(TrackerError):
    """A month is accrued once it is over."""


class MonthClosedError(TrackerError):
    """A closed month's figures stay as they are."""


@dataclass(frozen=True)
class AccruedEngagement:
    """What one engagement comes to; `changed` where it differs from what was kept."""

    reference: str
    currency: str
    accrual: Decimal
    prepayment: Decimal
    estimated: Decimal
    reporting_accrual: Decimal
    changed: bool


@dataclass
class AccrualRun:
    """What a run came to; `refused` tells why an engagement couldn't be reckoned."""

    month: date
    rows: list[AccruedEngagement] = field(default_factory=list)
    entries: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(row.changed for row in self.rows)

    @property
    def accrued(self) -> Decimal:
        """The sum in the reporting currency."""
        return sum((row.reporting_accrual for row in self.rows), NOTHING)


def accrue(
    *,
    month: date,
    today: date,
    engagements: QuerySet[Engagement] | None = None,
    is_trial: bool = False,
    actor: User | None,
) -> AccrualRun:
    """Reckon what is owed at a month's end, store it, and post what differs.

    Safe to repeat: without a change nothing is stored. A trial stores nothing. An
    engagement without an exchange rate is told of in the run and left as it is.
    Raises MonthNotOverError, MonthClosedError.
    """
    month = month_of(month)
    check_month_end(month, today)
    chosen = Engagement.objects.all() if engagements is None else engagements
    run = AccrualRun(month)
    for ids in _batches(_due(chosen, month)):
        _accrue_batch(run, ids, is_trial=is_trial, actor=actor)
    return run


def check_month_end(month: date, today: date) -> None:
    """Raise MonthNotOverError, MonthClosedError where a month isn't to be reckoned."""
    if last_day_of_month(month) >= today:
        raise MonthNotOverError(
            f"{month:%Y-%m} isn't over yet: accrue it from the 1st."
        )
    closed = ClosedMonth.objects.last_closed()
    if closed is not None and month <= closed:
        raise MonthClosedError(
            f"{month:%Y-%m} is closed: its accruals stay as they were then."
        )


def _due(chosen: QuerySet[Engagement], month: date) -> QuerySet[Engagement]:
    """Return what had started by the month's end."""
    rows = chosen.filter(status__in=STARTED, starts_on__lt=add_months(month, 1))
    return rows.order_by("pk")


def _batches(rows: QuerySet[Engagement]) -> Iterator[list[int]]:
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]


@transaction.atomic
def _accrue_batch(
    run: AccrualRun, ids: Sequence[int], *, is_trial: bool, actor: User | None
) -> None:
    """Reckon a batch; postings on it wait until it is stored, so none is missed."""
    if not is_trial:
        # In the order in which those who post take them.
        hold_months_open()
        hold(ids)
    engagements = Engagement.objects.in_bulk(ids)
    until = last_day_of_month(run.month)
    positions = {
        pk: position_at(facts, until)
        for pk, facts in facts_of(engagements.values()).items()
    }
    rates = Rates()
    kept = _kept(ids, run.month)
    fresh: list[Accrual] = []
    for pk in sorted(positions):
        engagement, position = engagements[pk], positions[pk]
        if pk not in kept and not _is_told(engagement, position, run.month):
            continue
        try:
            rate = rates.on(engagement.currency, until)
        except MissingRateError as refusal:
            run.refused[engagement.reference] = str(refusal)
            del positions[pk]
            continue
        statement = _statement(engagement, run.month, position, rate, actor)
        changed = not _is_same(kept.get(pk), statement)
        run.rows.append(_row(engagement, statement, position, changed))
        if changed:
            statement.revision = kept[pk].revision + 1 if pk in kept else 1
            fresh.append(statement)
    if is_trial:
        return
    Accrual.objects.bulk_create(fresh)
    _tell(fresh, engagements, actor)
    run.entries += _bring_in_line({pk: engagements[pk] for pk in positions}, positions)


def _is_told(engagement: Engagement, position: Position, month: date) -> bool:
    """Tell whether a month has anything to say of an engagement."""
    if position.accrual or position.prepayment:
        return True
    is_over = engagement.ends_on is not None and engagement.ends_on < month
    return not is_over and not position.is_blank


def _kept(ids: Collection[int], month: date) -> dict[int, Accrual]:
    rows = Accrual.objects.filter(engagement__in=ids, month=month).latest_revisions()
    return {row.engagement_id: row for row in rows}


def _statement(
    engagement: Engagement,
    month: date,
    position: Position,
    rate: Rate,
    actor: User | None,
) -> Accrual:
    def reported(amount: Decimal) -> Decimal:
        return round_money(amount * rate.factor, settings.REPORTING_CURRENCY)

    return Accrual(
        engagement=engagement,
        month=month,
        currency=engagement.currency,
        earned=position.earned,
        estimated=position.estimated,
        invoiced=position.invoiced,
        credits=position.credits,
        settled=position.settled,
        accrual=position.accrual,
        prepayment=position.prepayment,
        fx_rate=rate.factor,
        fx_on=rate.rated_on,
        fx_source=rate.source,
        reporting_accrual=reported(position.accrual),
        reporting_prepayment=reported(position.prepayment),
        explanation={
            "net": as_json(position.explanation),
            "ahead": as_json(position.ahead_explained),
        },
        reckoned_at=timezone.now(),
        reckoned_by=actor,
    )


def _is_same(kept: Accrual | None, statement: Accrual) -> bool:
    return kept is not None and all(
        getattr(kept, name) == getattr(statement, name) for name in _COMPARED
    )


_COMPARED = (
    *("earned", "estimated", "invoiced", "credits", "settled", "accrual"),
    *("prepayment", "fx_rate", "fx_on", "fx_source", "explanation"),
)


def _row(
    engagement: Engagement, statement: Accrual, position: Position, changed: bool
) -> AccruedEngagement:
    return AccruedEngagement(
        reference=engagement.reference,
        currency=engagement.currency,
        accrual=position.accrual,
        prepayment=position.prepayment,
        estimated=position.estimated,
        reporting_accrual=statement.reporting_accrual,
        changed=changed,
    )


def _tell(
    statements: Iterable[Accrual],
    engagements: Mapping[int, Engagement],
    actor: User | None,
) -> None:
    events.record_all(
        events.draft(
            event_type="engagement.accrued",
            subject=one,
            changes={
                "month": [None, f"{one.month:%Y-%m}"],
                "accrual": [None, events.plain(one.accrual)],
                "prepayment": [None, events.plain(one.prepayment)],
                "currency": [None, one.currency],
            },
            engagement=engagements[one.engagement_id],
            actor=actor,
        )
        for one in statements
    )


@after_posting
def follow_postings(moved: set[int]) -> None:
    """Take back what a document or a late timesheet takes the place of.

    As of the last month accrued: its statement stays, the ledger moves on.
    """
    standing = LedgerEntry.objects.filter(
        engagement__in=moved,
        source_type=SourceType.ACCRUAL,
        reversal_of__isnull=True,
        reversal__isnull=True,
    )
    held = set(standing.order_by().values_list("engagement_id", flat=True))
    if not held:
        return
    months = dict(
        Accrual.objects.filter(engagement__in=held)
        .order_by()
        .values_list("engagement_id")
        .annotate(last=Max("month"))
    )
    engagements = Engagement.objects.in_bulk(sorted(months))
    positions = {
        pk: position_at(facts, last_day_of_month(months[pk]))
        for pk, facts in facts_of(engagements.values()).items()
    }
    _bring_in_line({pk: engagements[pk] for pk in positions}, positions)


def _bring_in_line(
    engagements: Mapping[int, Engagement], positions: Mapping[int, Position]
) -> int:
    """Post what the ledger's accrued balance lacks; return how many entries that took.

    By month of service and charge. Hours and estimates share a cell: there the accrual
    is what remains once the hours in the ledger are counted.
    """
    worked = _sums(engagements, Q(source_type=SourceType.WORK_LOG))
    held = _sums(engagements, Q(source_type=SourceType.ACCRUAL))
    wanted: dict[int, dict[Cell, Decimal]] = {}
    for pk, position in positions.items():
        wanted[pk] = _wanted(position, worked.get(pk, {}))
    wrong = {
        (pk, cell)
        for pk in positions
        for cell in {*wanted[pk], *held.get(pk, {})}
        if wanted[pk].get(cell, NOTHING) != held.get(pk, {}).get(cell, NOTHING)
    }
    if not wrong:
        return 0
    postings = list(_postings(wrong, wanted, engagements))
    return len(post(postings, reversing=_standing(wrong)))


def _wanted(position: Position, worked: Mapping[Cell, Decimal]) -> dict[Cell, Decimal]:
    wanted = dict(position.open_by_cell)
    for cell, amount in worked.items():
        if cell[0] <= position.until:
            wanted[cell] = wanted.get(cell, NOTHING) - amount
    return {cell: amount for cell, amount in wanted.items() if amount}


def _sums(ids: Iterable[int], source: Q) -> dict[int, dict[Cell, Decimal]]:
    rows = (
        LedgerEntry.objects.filter(source, engagement__in=ids, basis=Basis.ACCRUED)
        .order_by()
        .values_list("engagement_id", "month", "charge_kind")
        .annotate(total=Sum("amount"))
    )
    found: dict[int, dict[Cell, Decimal]] = defaultdict(dict)
    for engagement, month, charge, total in rows:
        if total:
            found[engagement][month, charge] = total
    return found


def _standing(cells: Collection[tuple[int, Cell]]) -> list[LedgerEntry]:
    rows = LedgerEntry.objects.filter(
        engagement__in={pk for pk, _cell in cells},
        source_type=SourceType.ACCRUAL,
        reversal_of__isnull=True,
        reversal__isnull=True,
    ).order_by("pk")
    return [
        row
        for row in rows
        if (row.engagement_id, (row.month, row.charge_kind)) in cells
    ]


def _postings(
    cells: Collection[tuple[int, Cell]],
    wanted: Mapping[int, Mapping[Cell, Decimal]],
    engagements: Mapping[int, Engagement],
) -> Iterator[Posting]:
    ids = {pk for pk, _cell in cells}
    statements: dict[int, int] = {}
    for pk, engagement in (
        Accrual.objects.filter(engagement__in=ids)
        .order_by("month", "revision")
        .values_list("pk", "engagement_id")
    ):
        statements[engagement] = pk
    # What was posted before under a statement gives each posting a key of its own.
    counts = dict(
        LedgerEntry.objects.filter(
            source_type=SourceType.ACCRUAL, source_id__in=statements.values()
        )
        .order_by()
        .values_list("source_id")
        .annotate(last=Max("pk"))
    )
    for pk, (month, charge) in sorted(cells):
        amount = wanted[pk].get((month, charge))
        if amount is None:
            continue
        statement = statements[pk]
        yield Posting(
            engagement=engagements[pk],
            day=last_day_of_month(month),
            charge_kind=ChargeKind(charge),
            basis=Basis.ACCRUED,
            amount=amount,
            source_type=SourceType.ACCRUAL,
            source_id=statement,
            part=f"{month:%Y%m}:{charge}:{counts.get(statement, 0)}",
        )
