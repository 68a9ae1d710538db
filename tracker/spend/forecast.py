"""What the months to come will cost: actual + accrued + remaining plan, with a range.

The range comes from what the past months were worth beside their plan: its 10th and
90th percentile, over up to twelve months that are over. Fewer than three say nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from engagements.values.money import round_money
from engagements.values.periods import (
    ONE_DAY,
    add_months,
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.spend.commitment import fees_between, time_between
from tracker.spend.earnings import Terms
from tracker.spend.explained import NOTHING, Part, whole

MONTHS_LOOKED_AT = 12
FEWEST_MONTHS = 3
LOW, HIGH = Decimal("0.1"), Decimal("0.9")
ONE = Decimal(1)


@dataclass(frozen=True)
class Outlook:
    """What is known by a day; amounts by month of service.

    `ahead` is what was invoiced of a month beyond what it has earned so far.
    """

    terms: Terms
    today: date
    actual: Mapping[date, Decimal] = field(default_factory=dict)
    accrued: Mapping[date, Decimal] = field(default_factory=dict)
    ahead: Mapping[date, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Variation:
    """What spend was beside its plan; None where too few months tell."""

    months: int
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class MonthForecast:
    """One month; `low` and `high` are None where no range is known."""

    month: date
    part: Part
    low: Decimal | None
    high: Decimal | None

    @property
    def amount(self) -> Decimal:
        return self.part.amount


@dataclass(frozen=True)
class Forecast:
    """Months in order, with the sums that a reader asks for."""

    months: Sequence[MonthForecast]
    variation: Variation

    def between(self, first: date, last: date) -> tuple[Decimal, Decimal, Decimal]:
        """Return low, expected and high; without a range all three are the expected.

        The months' ends are added as they are: all may turn out low, or all high.
        """
        chosen = [one for one in self.months if first <= one.month <= last]
        expected = sum((one.amount for one in chosen), NOTHING)
        low = sum((_or(one.low, one.amount) for one in chosen), NOTHING)
        high = sum((_or(one.high, one.amount) for one in chosen), NOTHING)
        return low, expected, high


def forecast_of(outlook: Outlook, first: date, last: date) -> Forecast:
    """Return the months from that of `first` to that of `last`."""
    variation = variation_of(outlook)
    months = [
        _month(outlook, month, variation) for month in months_between(first, last)
    ]
    return Forecast(months, variation)


def plan_of(terms: Terms, first: date, last: date) -> tuple[Part, ...]:
    """Return the fees and planned hours of days in which the engagement is in force."""
    begins = max(first, terms.first)
    ends = last if terms.last is None else min(last, terms.last)
    if begins > ends:
        return ()
    return (*fees_between(terms, begins, ends), *time_between(terms, begins, ends))


def variation_of(outlook: Outlook) -> Variation:
    """Return the 10th and 90th percentile of spend by plan, of whole months."""
    this_month = month_of(outlook.today)
    shares = []
    for n in range(1, MONTHS_LOOKED_AT + 1):
        month = add_months(this_month, -n)
        parts = plan_of(outlook.terms, month, last_day_of_month(month))
        plan = sum((part.amount for part in parts), NOTHING)
        if plan > 0 and month >= outlook.terms.first:
            shares.append(_spent(outlook, month) / plan)
    if len(shares) < FEWEST_MONTHS:
        return Variation(len(shares))
    return Variation(len(shares), percentile(shares, LOW), percentile(shares, HIGH))


def percentile(values: Sequence[Decimal], share: Decimal) -> Decimal:
    """Return the value that `share` of all lie below, between neighbours by line."""
    known = sorted(values)
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return known[below] + (known[above] - known[below]) * (place - below)


def _month(outlook: Outlook, month: date, variation: Variation) -> MonthForecast:
    planned = whole("remaining", _remaining(outlook, month))
    of_month = {"month": month.isoformat()}
    parts = [
        Part("actual", outlook.actual.get(month, NOTHING), of_month),
        Part("accrued", outlook.accrued.get(month, NOTHING), of_month),
        planned,
    ]
    part = whole("forecast", parts, month=month.isoformat())
    if variation.low is None or variation.high is None:
        return MonthForecast(month, part, None, None)
    known = part.amount - planned.amount
    # What was agreed lies within, even where the past was always above or below it.
    ends = [
        known + round_money(planned.amount * share, outlook.terms.currency)
        for share in (min(variation.low, ONE), max(variation.high, ONE))
    ]
    return MonthForecast(month, part, *ends)


def _remaining(outlook: Outlook, month: date) -> Iterator[Part]:
    last = last_day_of_month(month)
    if last <= outlook.today:
        return
    first = max(month, outlook.today + ONE_DAY)
    planned = [*plan_of(outlook.terms, first, last)]
    for charge in outlook.terms.charges:
        if (
            charge.accepted_on is None
            and charge.due_on
            and first <= charge.due_on <= last
        ):
            facts = {"name": charge.name, "on": charge.due_on.isoformat()}
            planned.append(Part("charge", charge.amount, facts))
    yield from planned
    total = sum((part.amount for part in planned), NOTHING)
    billed = min(total, outlook.ahead.get(month, NOTHING))
    if billed > 0:
        yield Part("billed_ahead", -billed)


def _spent(outlook: Outlook, month: date) -> Decimal:
    actual = outlook.actual.get(month, NOTHING)
    return actual + outlook.accrued.get(month, NOTHING)


def _or(value: Decimal | None, other: Decimal) -> Decimal:
    return other if value is None else value
