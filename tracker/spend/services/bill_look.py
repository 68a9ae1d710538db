"""What budgets and the day's cap say of bills and payments, told before they are in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.utils import timezone

from engagements.choices import ChargeKind
from engagements.values.money import allocate
from engagements.values.periods import month_of
from tracker.spend.models import InvoiceLine, LedgerEntry
from tracker.spend.services.budgets import BudgetLook, Excess, refusal_of
from tracker.spend.services.daily_cap import beyond_cap, counted, posted_on
from tracker.spend.services.invoice_postings import postings_of, replaced_by
from tracker.spend.services.ledger import Reckoning, Splits

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Stopped:
    """The place of the line at which a bill is stopped, and why."""

    place: int
    reason: str


@dataclass(frozen=True)
class Warned:
    """The place of the line that is the first to go beyond a budget, and the words."""

    place: int
    sentence: str


@dataclass(frozen=True)
class Said:
    """What is said of a bill: why it is stopped, else what is warned of."""

    stop: Stopped | None = None
    warnings: Sequence[Warned] = ()


@dataclass
class _Told:
    """Of which budgets somebody has been told that they are exceeded."""

    budgets: set[tuple[int, int, str]] = field(default_factory=set)

    def new(self, excesses: Iterable[Excess]) -> list[Excess]:
        return [one for one in excesses if one.budget not in self.budgets]

    def keep(self, excesses: Iterable[Excess]) -> None:
        self.budgets.update(one.budget for one in excesses)


@dataclass
class _Taken:
    """What a bill takes of budgets and of the day's cap."""

    spent: dict[tuple[int, date], Decimal]
    capped: Decimal = NOTHING

    def add(self, entries: Sequence[LedgerEntry], sign: int = 1) -> None:
        for entry in entries:
            if entry.charge_kind != ChargeKind.TAX:
                key = entry.cost_centre_id, entry.month
                self.spent[key] += sign * entry.reporting_amount
        if sign > 0:
            self.capped += counted(entries)


class BillLook:
    """Holds bills of a file against budgets and against the day's cap.

    One after the other, as they would be posted: what passes counts for the next. Of
    a budget that only warns the first line that goes beyond it is told.
    """

    def __init__(self) -> None:
        self._budgets = BudgetLook() if BudgetLook.is_needed() else None
        self._cap_taken = (
            posted_on(timezone.localdate()) if settings.DAILY_POSTING_CAP else NOTHING
        )
        self._replaced: set[int] = set()
        self._told = _Told()

    @property
    def is_needed(self) -> bool:
        return self._budgets is not None or bool(settings.DAILY_POSTING_CAP)

    def looks(self, bills: Sequence[Sequence[InvoiceLine]]) -> Iterator[Said]:
        """Yield, bill by bill, what is said of it; unsaved lines do.

        Raises MissingRateError.
        """
        lines = [line for bill in bills for line in bill]
        reckoning = Reckoning({line.engagement_id for line in lines})
        replaced = self._accrued(lines)
        for bill in bills:
            yield self._look(bill, reckoning, replaced)

    def _accrued(self, lines: Sequence[InvoiceLine]) -> dict[int, list[LedgerEntry]]:
        """Return the accrued time that each line takes the place of, by its identity.

        An entry gives way once, to the first line that covers it.
        """
        times: dict[int, list[InvoiceLine]] = defaultdict(list)
        for line in lines:
            if line.charge_kind == ChargeKind.TIME:
                times[line.engagement_id].append(line)
        found: dict[int, list[LedgerEntry]] = defaultdict(list)
        for entry in replaced_by(lines) if times else ():
            if entry.pk not in self._replaced:
                covering = next(
                    line
                    for line in times[entry.engagement_id]
                    if line.period_from <= entry.day <= line.period_to
                )
                found[id(covering)].append(entry)
        return found

    def _look(
        self,
        bill: Sequence[InvoiceLine],
        reckoning: Reckoning,
        replaced: dict[int, list[LedgerEntry]],
    ) -> Said:
        steps = partial(self._steps, bill, reckoning, replaced)
        whole = _Taken(defaultdict(Decimal))
        for taken in steps():
            whole = taken
        excesses = self._excesses(whole)
        reason = self._refusal(whole, excesses)
        if reason:
            return Said(stop=Stopped(self._first_refused(steps()), reason))
        found = [
            Warned(self._first_beyond(steps(), one), one.sentence)
            for one in self._told.new(excesses)
        ]
        self._told.keep(excesses)
        if self._budgets is not None:
            self._budgets.take(whole.spent)
        self._cap_taken += whole.capped
        self._replaced.update(
            entry.pk for line in bill for entry in replaced.get(id(line), ())
        )
        return Said(warnings=found)

    def _steps(
        self,
        bill: Sequence[InvoiceLine],
        reckoning: Reckoning,
        replaced: dict[int, list[LedgerEntry]],
    ) -> Iterator[_Taken]:
        """Yield what the bill takes up to each of its lines: one object, growing."""
        taken = _Taken(defaultdict(Decimal))
        for line in bill:
            for posting in postings_of(line):
                taken.add(list(reckoning.entries(posting)))
            taken.add(replaced.get(id(line), []), sign=-1)
            yield taken

    def _first_refused(self, steps: Iterable[_Taken]) -> int:
        """Return the place of the line that is one too many."""
        return _first_place(
            bool(self._refusal(taken, self._excesses(taken))) for taken in steps
        )

    def _first_beyond(self, steps: Iterable[_Taken], excess: Excess) -> int:
        """Return the place of the line with which the budget is exceeded."""
        return _first_place(
            excess.budget in [one.budget for one in self._excesses(taken)]
            for taken in steps
        )

    def _excesses(self, taken: _Taken) -> list[Excess]:
        return self._budgets.excesses(taken.spent) if self._budgets else []

    def _refusal(self, taken: _Taken, excesses: Iterable[Excess]) -> str:
        return refusal_of(excesses) or beyond_cap(taken.capped, so_far=self._cap_taken)


def _first_place(found: Iterable[bool]) -> int:
    """Return the first place that is so; what holds of the whole holds of the last."""
    place = -1
    for is_so in found:
        place += 1
        if is_so:
            break
    return place


class PaymentLook:
    """Tells which payments of a file are the first to go beyond a budget.

    It refuses none: the money has left.
    """

    def __init__(self, engagements: Collection[int]) -> None:
        self._budgets = BudgetLook() if BudgetLook.is_needed() else None
        self._splits = Splits(set(engagements))
        self._told = _Told()

    @property
    def is_needed(self) -> bool:
        return self._budgets is not None

    def look(
        self, *, engagement: int | None, paid_on: date, amount: Decimal
    ) -> list[str]:
        """Return what budgets say of one payment; it counts for those after it.

        `amount` is in the reporting currency; an engagement that is yet to be made has
        no cost split.
        """
        if self._budgets is None:
            return []
        shares = self._splits.on(engagement or 0, paid_on)
        weights = [percent for _centre, percent in shares]
        parts = allocate(amount, weights, settings.REPORTING_CURRENCY)
        month = month_of(paid_on)
        added = {
            (centre, month): part
            for (centre, _percent), part in zip(shares, parts, strict=True)
        }
        excesses = self._told.new(self._budgets.excesses(added))
        self._told.keep(excesses)
        self._budgets.take(added)
        return [one.sentence for one in excesses]
