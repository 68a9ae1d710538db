"""What can't be cancelled any more, and what the contract comes to: pure, explained.

Committed = fees, or planned hours, to the earliest lawful exit + the exit charge where
that is before the agreed end + charges agreed and not accepted yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engagements.values.commitment import Price, Span, spans_of
from engagements.values.periods import last_day_of_month, months_between
from tracker.spend.earnings import Terms, fee_of_month, planned_time, workdays
from tracker.spend.explained import Part, whole


@dataclass(frozen=True)
class Binding:
    """Until when an engagement binds, as of a day; None where no end is known.

    `until` is the earliest lawful last day, `agreed_until` the contract's own.
    """

    terms: Terms
    as_of: date
    until: date | None
    agreed_until: date | None
    exit_charge: Decimal = Decimal(0)


@dataclass(frozen=True)
class Commitment:
    """Both figures with their parts; None where no end is known."""

    until: date | None
    agreed_until: date | None
    to_exit: Part | None
    to_end: Part | None

    @property
    def amount(self) -> Decimal | None:
        """The non-cancellable commitment: the one number."""
        return self.to_exit.amount if self.to_exit else None


def commitment_of(binding: Binding) -> Commitment:
    until, agreed = binding.until, binding.agreed_until
    to_exit = to_end = None
    if until is not None:
        is_early = agreed is not None and until < agreed
        leaving = binding.exit_charge if is_early else Decimal(0)
        to_exit = whole("committed", _due(binding, until, leaving))
    if agreed is not None:
        to_end = whole("contract", _due(binding, agreed, Decimal(0)))
    return Commitment(until, agreed, to_exit, to_end)


def _due(binding: Binding, until: date, leaving: Decimal) -> Iterator[Part]:
    terms = binding.terms
    first = max(binding.as_of, terms.first)
    if until < first:
        return
    yield from fees_between(terms, first, until)
    yield from time_between(terms, first, until)
    if leaving:
        yield Part("exit_charge", leaving, {"until": until.isoformat()})
    for charge in terms.charges:
        is_open = charge.accepted_on is None or charge.accepted_on >= binding.as_of
        is_due = charge.due_on is None or charge.due_on <= until
        if is_open and is_due:
            facts = {"name": charge.name}
            if charge.due_on:
                facts["on"] = charge.due_on.isoformat()
            yield Part("charge", charge.amount, facts)


def fees_between(terms: Terms, first: date, last: date) -> Iterator[Part]:
    for month in months_between(first, last):
        begins, ends = max(first, month), min(last, last_day_of_month(month))
        fees = tuple(fee_of_month(terms, begins, ends))
        if fees:
            yield whole("month", fees, month=month.isoformat())


def time_between(terms: Terms, first: date, last: date) -> Iterator[Part]:
    """Yield planned hours of the working days, each rate's rounded once."""
    if terms.weekly_hours <= 0:
        return
    prices = [Price(rate.starts_on, rate.hourly) for rate in terms.rates]
    for span in spans_of(prices, first, last):
        yield from _planned(terms, span)


def _planned(terms: Terms, span: Span) -> Iterator[Part]:
    days = list(workdays(span, terms.country))
    if days:
        yield planned_time(terms, span, days, "planned")
