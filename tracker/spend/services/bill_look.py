"""What would keep bills from being posted, told before they are."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from engagements.choices import ChargeKind
from tracker.spend.models import InvoiceLine, LedgerEntry
from tracker.spend.services.budgets import BudgetLook
from tracker.spend.services.daily_cap import beyond_cap, counted, posted_on
from tracker.spend.services.invoice_postings import postings_of, replaced_by
from tracker.spend.services.ledger import Reckoning

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Stopped:
    """The place of the line at which a bill is stopped, and why."""

    place: int
    reason: str


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
    """Holds bills of a file against budgets that stop and against the day's cap.

    One after the other, as they would be posted: what passes counts for the next.
    """

    def __init__(self) -> None:
        self._budgets = BudgetLook() if BudgetLook.is_needed() else None
        self._cap_taken = (
            posted_on(timezone.localdate()) if settings.DAILY_POSTING_CAP else NOTHING
        )
        self._replaced: set[int] = set()

    @property
    def is_needed(self) -> bool:
        return self._budgets is not None or bool(settings.DAILY_POSTING_CAP)

    def stops(self, bills: Sequence[Sequence[InvoiceLine]]) -> Iterator[Stopped | None]:
        """Yield, bill by bill, where and why it is stopped; unsaved lines do.

        Raises MissingRateError.
        """
        lines = [line for bill in bills for line in bill]
        reckoning = Reckoning({line.engagement_id for line in lines})
        replaced = self._accrued(lines)
        for bill in bills:
            yield self._stop(bill, reckoning, replaced)

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

    def _stop(
        self,
        bill: Sequence[InvoiceLine],
        reckoning: Reckoning,
        replaced: dict[int, list[LedgerEntry]],
    ) -> Stopped | None:
        taken = _Taken(defaultdict(Decimal))
        for line in bill:
            self._add(taken, line, reckoning, replaced)
        reason = self._refusal(taken)
        if reason:
            return Stopped(self._place(bill, reckoning, replaced), reason)
        if self._budgets is not None:
            self._budgets.take(taken.spent)
        self._cap_taken += taken.capped
        self._replaced.update(
            entry.pk for line in bill for entry in replaced.get(id(line), ())
        )
        return None

    def _place(
        self,
        bill: Sequence[InvoiceLine],
        reckoning: Reckoning,
        replaced: dict[int, list[LedgerEntry]],
    ) -> int:
        """Return the place of the line that is one too many."""
        taken = _Taken(defaultdict(Decimal))
        for place, line in enumerate(bill):
            self._add(taken, line, reckoning, replaced)
            if self._refusal(taken):
                return place
        return len(bill) - 1

    def _add(
        self,
        taken: _Taken,
        line: InvoiceLine,
        reckoning: Reckoning,
        replaced: dict[int, list[LedgerEntry]],
    ) -> None:
        for posting in postings_of(line):
            taken.add(list(reckoning.entries(posting)))
        taken.add(replaced.get(id(line), []), sign=-1)

    def _refusal(self, taken: _Taken) -> str:
        refusal = self._budgets.refusal(taken.spent) if self._budgets else ""
        return refusal or beyond_cap(taken.capped, so_far=self._cap_taken)
