"""Months, terms and notice: dates are inclusive, as contracts write them."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

NoticeUnit = Literal["days", "months"]
ONE_DAY = timedelta(days=1)


def month_of(day: date) -> date:
    """Return the first day of the day's month, which is how a month is stored."""
    return day.replace(day=1)


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def last_day_of_month(month: date) -> date:
    return add_months(month_of(month), 1) - ONE_DAY


def months_between(first: date, last: date) -> Iterator[date]:
    """Yield each month from that of `first` to that of `last`, both included."""
    month = month_of(first)
    while month <= last:
        yield month
        month = add_months(month, 1)


def count_months(first: date, last: date) -> int:
    """Return how many calendar months the two days touch; 0 when last < first."""
    return max(0, (last.year - first.year) * 12 + last.month - first.month + 1)


def term_end(starts_on: date, initial: int, renewal: int, renewals: int) -> date:
    """Return the last day of the term after `renewals` renewals, all in months.

    Always reckoned from the first start: chaining from 31 January would drift.
    """
    return add_months(starts_on, initial + renewals * renewal) - ONE_DAY


def notice_deadline(end: date, notice: int, unit: NoticeUnit) -> date:
    """Return the last day on which notice can be given for a term ending on `end`."""
    after = end + ONE_DAY
    if unit == "months":
        return add_months(after, -notice) - ONE_DAY
    return after - timedelta(days=notice) - ONE_DAY


@dataclass(frozen=True)
class Term:
    """One term of an engagement; `ends_on` is None where it is open-ended."""

    number: int
    starts_on: date
    ends_on: date | None
    notice_deadline_on: date | None


def first_term(
    *,
    starts_on: date,
    ends_on: date | None,
    initial_months: int | None,
    notice: int | None,
    unit: NoticeUnit,
) -> Term:
    """Return the first term: its end is the earlier of the agreed end and term."""
    ends = [ends_on] if ends_on else []
    if initial_months:
        ends.append(term_end(starts_on, initial_months, 0, 0))
    end = min(ends, default=None)
    deadline = None
    if end is not None and notice is not None:
        deadline = notice_deadline(end, notice, unit)
    return Term(1, starts_on, end, deadline)
