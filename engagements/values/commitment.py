"""Committed money: what is owed until the earliest lawful exit, to the cent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engagements.values.money import round_money
from engagements.values.periods import (
    ONE_DAY,
    last_day_of_month,
    month_of,
    months_between,
)
from engagements.values.workdays import working_days

WEEK_DAYS = 5
WEEKS_A_YEAR = 52


@dataclass(frozen=True)
class Price:
    """A monthly fee, or a price of an hour, from a day until the next price starts."""

    starts_on: date
    amount: Decimal


@dataclass(frozen=True)
class Span:
    """Days, both included, in which one price is in force."""

    first: date
    last: date
    amount: Decimal


def spans_of(prices: Sequence[Price], first: date, last: date) -> Iterator[Span]:
    """Yield the days from `first` to `last` by the price in force on them.

    Days before the first price cost nothing and are left out.
    """
    known = sorted(prices, key=lambda price: price.starts_on)
    ends = [*(price.starts_on - ONE_DAY for price in known[1:]), last]
    # Without a price there is one end more than prices, and nothing to yield.
    for price, end in zip(known, ends, strict=False):
        begins, ends_on = max(first, price.starts_on), min(last, end)
        if begins <= ends_on:
            yield Span(begins, ends_on, price.amount)


def committed_fees(
    fees: Sequence[Price], first: date, last: date, currency: str
) -> Decimal:
    """Return the monthly fees of the days, each month rounded as it is billed.

    A month counts by days: the fee times days in force by days in month.
    """
    total = Decimal(0)
    for month in months_between(first, last):
        ends_on = last_day_of_month(month)
        days = spans_of(fees, max(first, month_of(month)), min(last, ends_on))
        due = sum(
            (s.amount * ((s.last - s.first).days + 1) / ends_on.day for s in days),
            Decimal(0),
        )
        total += round_money(due, currency)
    return total


def committed_time(
    rates: Sequence[Price],
    *,
    weekly_hours: Decimal,
    country: str,
    first: date,
    last: date,
    currency: str,
) -> Decimal:
    """Return planned hours by working days by rate; each rate's days round once.

    Rates are per hour; a working day has a fifth of the week's hours.
    """
    daily_hours = weekly_hours / WEEK_DAYS
    return sum(
        (
            round_money(
                working_days(s.first, s.last, country) * daily_hours * s.amount,
                currency,
            )
            for s in spans_of(rates, first, last)
        ),
        Decimal(0),
    )


def committed_under_contract(
    fees: Sequence[Price],
    *,
    exit_charge: Decimal,
    first: date,
    until: date,
    agreed_until: date | None,
    currency: str,
) -> Decimal:
    """Return the fees to the exit, and the exit charge where that is an early one.

    An exit is early where it lies before the last day agreed.
    """
    is_early = agreed_until is not None and until < agreed_until
    due = committed_fees(fees, first, until, currency)
    return due + (exit_charge if is_early else 0)


def monthly_price_of_time(
    hourly_rate: Decimal, weekly_hours: Decimal, currency: str
) -> Decimal:
    """Return what planned hours cost in a month on average, of 52 weeks a year."""
    return round_money(hourly_rate * weekly_hours * WEEKS_A_YEAR / 12, currency)
