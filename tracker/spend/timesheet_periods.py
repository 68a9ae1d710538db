"""Which days a timesheet covers: weeks from Monday, or calendar months.

Dates are inclusive. A sheet ends where its week or month ends; it starts later than
the week or month only after a change between the two, on the day after the last sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from engagements.values.periods import ONE_DAY, last_day_of_month, month_of

WEEK = "week"
MONTH = "month"
CadenceName = Literal["week", "month"]


class Period(NamedTuple):
    first: date
    last: date

    def overlaps(self, other: Period) -> bool:
        return self.first <= other.last and other.first <= self.last

    @property
    def days(self) -> list[date]:
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(count)]


def week_of(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + timedelta(days=6))


def period_of(day: date, cadence: str) -> Period:
    """Return the week or the month that holds the day."""
    if cadence == MONTH:
        return Period(month_of(day), last_day_of_month(day))
    return week_of(day)


def is_period(period: Period, cadence: str) -> bool:
    """Tell whether the days are a week or month, or the rest of one to its end."""
    whole = period_of(period.last, cadence)
    return whole.first <= period.first <= period.last == whole.last


def free_period(day: date, cadence: str, taken: Sequence[Period]) -> Period | None:
    """Return the days for a new sheet on the day; None where it is taken.

    The days that earlier sheets cover are left out of its beginning.
    """
    whole = period_of(day, cadence)
    earlier = [one.last for one in taken if one.overlaps(whole)]
    first = max([whole.first, *(last + ONE_DAY for last in earlier)])
    free = Period(first, whole.last)
    return None if first > day or first > whole.last else free


def expected_periods(first: date, last: date, cadence: str) -> Iterator[Period]:
    """Yield each week or month that touches the days and is over by `last`."""
    period = period_of(first, cadence)
    while period.last <= last:
        yield period
        period = period_of(period.last + ONE_DAY, cadence)
