"""What a vendor has earned by a day: fees, hours, missing timesheets, milestones."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from engagements.values.commitment import WEEK_DAYS, Price, Span, spans_of
from engagements.values.money import allocate, round_money
from engagements.values.periods import (
    ONE_DAY,
    last_day_of_month,
    month_of,
    months_between,
)
from engagements.values.workdays import is_public_holiday
from tracker.spend.explained import NOTHING, Part, whole

FEE, TIME, MILESTONE, ONE_OFF = "recurring", "time", "milestone", "one_off"
FRIDAY = 4

# A month of service and a charge: the smallest figure that is posted.
Cell = tuple[date, str]


@dataclass(frozen=True)
class Rate:
    """The price of an hour from a day on, and what overtime multiplies it by."""

    starts_on: date
    hourly: Decimal
    overtime: Decimal = Decimal(1)


@dataclass(frozen=True)
class Worked:
    """Hours of one line: of a timesheet sent in, or logged without one."""

    day: date
    hours: Decimal
    is_overtime: bool = False
    has_sheet: bool = False


@dataclass(frozen=True)
class AgreedCharge:
    """A milestone or one-off charge as agreed."""

    name: str
    charge: str
    amount: Decimal
    accepted_on: date | None = None
    due_on: date | None = None

    @property
    def earned_on(self) -> date | None:
        """A milestone is earned once accepted; what is one-off, on its day at least."""
        if self.charge == ONE_OFF:
            return self.accepted_on or self.due_on
        return self.accepted_on


@dataclass(frozen=True)
class Terms:
    """What was agreed and done; amounts in `currency`.

    `given` are the days for which an invoice of time said how much was worked, and
    `sheets` the periods of timesheets sent in. `work` has their zeros too.
    """

    currency: str
    country: str
    first: date
    last: date | None = None
    fees: Sequence[Price] = ()
    rates: Sequence[Rate] = ()
    weekly_hours: Decimal = NOTHING
    charges: Sequence[AgreedCharge] = ()
    work: Sequence[Worked] = ()
    given: Sequence[tuple[date, date]] = ()
    sheets: Sequence[tuple[date, date]] = ()


@dataclass
class Earned:
    """Parts by month of service and charge."""

    by_cell: dict[Cell, list[Part]] = field(default_factory=lambda: defaultdict(list))

    def add(self, month: date, charge: str, part: Part) -> None:
        self.by_cell[month, charge].append(part)

    @property
    def amounts(self) -> Mapping[Cell, Decimal]:
        return {
            cell: sum((part.amount for part in parts), NOTHING)
            for cell, parts in self.by_cell.items()
        }


def earned_by(terms: Terms, until: date) -> Earned:
    """Return what was earned from the first day to `until`, both included."""
    last = until if terms.last is None else min(until, terms.last)
    earned = Earned()
    for month in months_between(terms.first, last):
        begins, ends = max(terms.first, month), min(last, last_day_of_month(month))
        for part in fee_of_month(terms, begins, ends):
            earned.add(month, FEE, part)
    _add_hours(earned, terms, until)
    for part in estimate(terms, terms.first, last):
        earned.add(date.fromisoformat(part.facts["first"]).replace(day=1), TIME, part)
    for charge in terms.charges:
        day = charge.earned_on
        if day is not None and terms.first <= day <= until:
            facts = {"name": charge.name, "on": day.isoformat()}
            earned.add(
                month_of(day), charge.charge, Part("charge", charge.amount, facts)
            )
    return earned


def fee_of_month(terms: Terms, begins: date, ends: date) -> Iterator[Part]:
    """Yield the fee of days of one month by price: by days, the sum rounded once.

    So the parts of a month in force throughout sum to its fee, to the cent.
    """
    spans = [span for span in spans_of(terms.fees, begins, ends) if span.amount > 0]
    if not spans:
        return
    length = last_day_of_month(begins).day
    weights = [span.amount * _days(span) for span in spans]
    due = round_money(sum(weights, NOTHING) / length, terms.currency)
    # Most months have one price: nothing is to be shared out then.
    amounts = allocate(due, weights, terms.currency) if len(spans) > 1 else [due]
    for span, amount in zip(spans, amounts, strict=True):
        yield Part(
            "fee",
            amount,
            _dated(span, days=str(_days(span)), of=str(length)),
        )


def estimate(terms: Terms, begins: date, ends: date) -> Iterator[Part]:
    """Yield, by month and rate, planned hours of the working days nobody spoke of."""
    if terms.weekly_hours <= 0:
        return
    given = _spoken_of(terms)
    prices = [Price(rate.starts_on, rate.hourly) for rate in terms.rates]
    for month in months_between(begins, ends):
        first, last = max(begins, month), min(ends, last_day_of_month(month))
        for span in spans_of(prices, first, last):
            days = [day for day in workdays(span, terms.country) if day not in given]
            if days:
                yield planned_time(terms, span, days, "estimate")


def planned_time(terms: Terms, span: Span, days: Sequence[date], code: str) -> Part:
    """Return planned hours of the days at the span's rate, rounded once."""
    daily = terms.weekly_hours / WEEK_DAYS
    amount = round_money(len(days) * daily * span.amount, terms.currency)
    within = Span(days[0], days[-1], span.amount)
    return Part(code, amount, _dated(within, days=str(len(days)), hours=_plain(daily)))


def workdays(span: Span, country: str) -> Iterator[date]:
    for day in _all_days(span.first, span.last):
        if day.weekday() <= FRIDAY and not is_public_holiday(day, country):
            yield day


def _add_hours(earned: Earned, terms: Terms, until: date) -> None:
    """Each line rounds by itself, as it is posted; work past the end is owed too."""
    since = month_of(terms.first)
    by_price: dict[tuple[date, Rate, bool], list[Worked]] = defaultdict(list)
    starts = [rate.starts_on for rate in terms.rates]
    for line in terms.work:
        index = bisect_right(starts, line.day)
        if index and since <= line.day <= until:
            key = (month_of(line.day), terms.rates[index - 1], line.is_overtime)
            by_price[key].append(line)
    keys = sorted(by_price, key=lambda key: (key[0], key[1].starts_on, key[2]))
    for month, rate, is_overtime in keys:
        lines = by_price[month, rate, is_overtime]
        factor = rate.overtime if is_overtime else Decimal(1)
        amounts = (
            round_money(line.hours * rate.hourly * factor, terms.currency)
            for line in lines
        )
        days = [line.day for line in lines]
        facts = _dated(
            Span(min(days), max(days), rate.hourly),
            hours=_plain(sum((line.hours for line in lines), NOTHING)),
        )
        if factor != 1:
            facts["overtime"] = _plain(factor)
        earned.add(month, TIME, Part("hours", sum(amounts, NOTHING), facts))


def _spoken_of(terms: Terms) -> set[date]:
    """Return the days that are no blanks.

    Where hours come without timesheets, one line speaks for its whole week: a day
    without any is a day off.
    """
    days = {day for first, last in terms.given for day in _all_days(first, last)}
    entered: dict[date, Decimal] = defaultdict(Decimal)
    for line in terms.work:
        if line.has_sheet:
            entered[line.day] += line.hours
        else:
            monday = line.day - timedelta(days=line.day.weekday())
            days |= {monday + n * ONE_DAY for n in range(7)}
    for first, last in terms.sheets:
        begins, ends = max(first, terms.first), min(last, terms.last or last)
        sheet = Span(begins, ends, NOTHING)
        days |= set(_all_days(begins, ends)) - _unsaid(terms, sheet, entered)
    return days


def _unsaid(terms: Terms, sheet: Span, entered: Mapping[date, Decimal]) -> set[date]:
    """Return the working days that the sheet leaves blank and its hours leave open.

    0 entered is an answer. Of the blank days no more are open, the first ones, than
    the hours that are planned for the sheet still have room for.
    """
    planned = list(workdays(sheet, terms.country))
    daily = terms.weekly_hours / WEEK_DAYS
    days = _all_days(sheet.first, sheet.last)
    told = sum((entered.get(day, NOTHING) for day in days), NOTHING)
    room = int(max(NOTHING, len(planned) * daily - told) / daily)
    return set([day for day in planned if day not in entered][:room])


def _all_days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _days(span: Span) -> int:
    return (span.last - span.first).days + 1


def _dated(span: Span, **facts: str) -> dict[str, str]:
    return {
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "price": _plain(span.amount),
        **facts,
    }


def _plain(number: Decimal) -> str:
    """Return the number without needless zeros; a price of an hour to four places."""
    return f"{number.quantize(Decimal('0.0001')).normalize():f}"


def months_of(code: str, earned: Earned) -> Iterator[Part]:
    """Yield each month of service with its parts, in order."""
    months: dict[date, list[Part]] = defaultdict(list)
    for month, charge in sorted(earned.by_cell):
        months[month] += earned.by_cell[month, charge]
    for month, parts in months.items():
        yield whole(code, parts, month=month.isoformat())
