"""Months, terms and notice: dates are inclusive, as contracts write them."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
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
    return date(year, month + 1, min(day.day, _length(year, month + 1)))


def last_day_of_month(month: date) -> date:
    return month.replace(day=_length(month.year, month.month))


@cache
def _length(year: int, month: int) -> int:
    """Return how many days a month has; asked for once a month of every engagement."""
    return calendar.monthrange(year, month)[1]


def months_between(first: date, last: date) -> Iterator[date]:
    """Yield each month from that of `first` to that of `last`, both included."""
    month = month_of(first)
    while month <= last:
        yield month
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


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


def whole_months(starts_on: date, ends_on: date) -> int | None:
    """Return how many months the days make, or None where it is no whole number."""
    after = ends_on + ONE_DAY
    months = (after.year - starts_on.year) * 12 + after.month - starts_on.month
    return months if months > 0 and add_months(starts_on, months) == after else None


@dataclass(frozen=True)
class TermRules:
    """What fixes the terms of an engagement: lengths in months, days included.

    No renewal runs past `last_on`.
    """

    starts_on: date
    renewal_months: int | None
    notice: int | None
    unit: NoticeUnit
    last_on: date | None = None


def next_term(rules: TermRules, term: Term) -> Term | None:
    """Return the term that follows, or None where nothing can.

    Its end is reckoned from the first start, so that it can't drift; where the terms
    so far make no whole number of months, from the day after them.
    """
    end = term.ends_on
    if end is None or rules.renewal_months is None:
        return None
    if rules.last_on is not None and end >= rules.last_on:
        return None
    months = whole_months(rules.starts_on, end)
    if months is None:
        ends_on = term_end(end + ONE_DAY, rules.renewal_months, 0, 0)
    else:
        ends_on = term_end(rules.starts_on, months, rules.renewal_months, 1)
    if rules.last_on is not None:
        ends_on = min(ends_on, rules.last_on)
    return Term(term.number + 1, end + ONE_DAY, ends_on, _deadline(rules, ends_on))


def terms_from(rules: TermRules, term: Term) -> Iterator[Term]:
    """Yield the term and those that follow it."""
    following: Term | None = term
    while following is not None:
        yield following
        following = next_term(rules, following)


def kth_term(rules: TermRules, first: Term, number: int) -> Term | None:
    """Return the term of a number, 1 being the first; None where there is none."""
    return next((t for t in terms_from(rules, first) if t.number >= number), None)


def term_on(rules: TermRules, first: Term, day: date) -> Term | None:
    """Return the term in force on the day, if every renewal comes about."""
    if day < first.starts_on:
        return None
    terms = terms_from(rules, first)
    return next((t for t in terms if t.ends_on is None or t.ends_on >= day), None)


def next_commitment(rules: TermRules, term: Term, day: date) -> Term:
    """Return the term at whose end one can still leave, as of the day.

    `term` renews by itself as the rules say: once its deadline has passed without
    notice, the next one is committed. Without a notice period, notice can be given
    until the last day.
    """
    last = term
    for last in terms_from(rules, term):
        deadline = last.notice_deadline_on or last.ends_on
        if deadline is None or deadline >= day:
            break
    return last


def earliest_end(given_on: date, notice: int, unit: NoticeUnit) -> date:
    """Return the first end for which notice on the day is in time."""
    if unit == "days":
        return given_on + timedelta(days=notice)
    end = add_months(given_on + ONE_DAY, notice) - ONE_DAY
    # In a shorter month the count back ends up to three days before the count on.
    while notice_deadline(end, notice, unit) < given_on:
        end += ONE_DAY
    return end


def _deadline(rules: TermRules, end: date) -> date | None:
    if rules.notice is None:
        return None
    return notice_deadline(end, rules.notice, rules.unit)
