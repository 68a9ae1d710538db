"""Terms one after another: number, start, end, notice deadline, commitment."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.values.periods import (
    NoticeUnit,
    Term,
    TermRules,
    earliest_end,
    first_term,
    kth_term,
    next_commitment,
    next_term,
    notice_deadline,
    term_end,
    term_on,
    whole_months,
)

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
UNITS: st.SearchStrategy[NoticeUnit] = st.sampled_from(["days", "months"])


def yearly(
    *, last_on: date | None = None, notice: int | None = 3
) -> tuple[TermRules, Term]:
    """A year from 1 June 2026, and years from then on; three months' notice."""
    first = first_term(
        starts_on=date(2026, 6, 1),
        ends_on=None,
        initial_months=12,
        notice=notice,
        unit="months",
    )
    return TermRules(date(2026, 6, 1), 12, notice, "months", last_on), first


def test_terms_of_a_year_with_their_notice_deadlines() -> None:
    rules, first = yearly()
    assert kth_term(rules, first, 1) == Term(
        1, date(2026, 6, 1), date(2027, 5, 31), date(2027, 2, 28)
    )
    assert kth_term(rules, first, 2) == Term(
        2, date(2027, 6, 1), date(2028, 5, 31), date(2028, 2, 29)
    )
    assert kth_term(rules, first, 3) == Term(
        3, date(2028, 6, 1), date(2029, 5, 31), date(2029, 2, 28)
    )


def test_terms_from_29_february_come_back_to_it() -> None:
    rules = TermRules(date(2028, 2, 29), 12, None, "days")
    first = Term(1, date(2028, 2, 29), date(2029, 2, 27), None)
    ends = [term.ends_on for k in range(1, 6) if (term := kth_term(rules, first, k))]
    assert ends == [
        date(2029, 2, 27),
        date(2030, 2, 27),
        date(2031, 2, 27),
        date(2032, 2, 28),
        date(2033, 2, 27),
    ]


def test_terms_after_one_of_no_whole_months_count_from_the_day_after_it() -> None:
    rules = TermRules(date(2026, 3, 16), 12, None, "days")
    first = Term(1, date(2026, 3, 16), date(2026, 12, 31), None)
    assert whole_months(date(2026, 3, 16), date(2026, 12, 31)) is None
    assert next_term(rules, first) == Term(
        2, date(2027, 1, 1), date(2027, 12, 31), None
    )


def test_no_term_runs_past_the_last_day_agreed() -> None:
    rules, first = yearly(last_on=date(2028, 3, 31))
    second = next_term(rules, first)
    assert second == Term(2, date(2027, 6, 1), date(2028, 3, 31), date(2027, 12, 31))
    assert next_term(rules, second) is None
    assert kth_term(rules, first, 3) is None


@pytest.mark.parametrize(
    ("day", "number"),
    [
        (date(2026, 5, 31), None),
        (date(2026, 6, 1), 1),
        (date(2027, 5, 31), 1),
        (date(2027, 6, 1), 2),
        (date(2035, 6, 1), 10),
    ],
)
def test_term_on_a_day(day: date, number: int | None) -> None:
    rules, first = yearly()
    term = term_on(rules, first, day)
    assert (term.number if term else None) == number


@pytest.mark.parametrize(
    ("day", "committed_until"),
    [
        (date(2026, 6, 1), date(2027, 5, 31)),
        (date(2027, 2, 28), date(2027, 5, 31)),
        # Past the deadline with no notice given, the next term is committed.
        (date(2027, 3, 1), date(2028, 5, 31)),
        (date(2028, 2, 29), date(2028, 5, 31)),
        (date(2028, 3, 1), date(2029, 5, 31)),
    ],
)
def test_next_commitment_of_what_renews_by_itself(
    day: date, committed_until: date
) -> None:
    rules, first = yearly()
    assert next_commitment(rules, first, day).ends_on == committed_until


def test_next_commitment_without_notice_period_is_the_term_of_the_day() -> None:
    rules, first = yearly(notice=None)
    assert next_commitment(rules, first, date(2027, 5, 31)).number == 1
    assert next_commitment(rules, first, date(2027, 6, 1)).number == 2


def test_earliest_end_for_notice_given() -> None:
    assert earliest_end(date(2026, 4, 10), 30, "days") == date(2026, 5, 10)
    assert earliest_end(date(2026, 2, 28), 3, "months") == date(2026, 5, 31)
    # 27 February would want notice on the 27th of November.
    assert earliest_end(date(2026, 11, 29), 3, "months") == date(2027, 2, 28)


@settings(max_examples=10_000, deadline=None)
@given(
    start=DAYS,
    initial=st.integers(1, 60),
    renewal=st.integers(1, 36),
    notice=st.integers(0, 12),
    unit=UNITS,
    number=st.integers(1, 12),
)
def test_kth_term_is_always_reckoned_from_the_first_start(
    start: date,
    initial: int,
    renewal: int,
    notice: int,
    unit: NoticeUnit,
    number: int,
) -> None:
    rules = TermRules(start, renewal, notice, unit)
    first = first_term(
        starts_on=start, ends_on=None, initial_months=initial, notice=notice, unit=unit
    )
    term = kth_term(rules, first, number)
    assert term is not None
    assert term.ends_on is not None
    assert term.number == number
    assert term.ends_on == term_end(start, initial, renewal, number - 1)
    assert term.notice_deadline_on == notice_deadline(term.ends_on, notice, unit)
    assert term_on(rules, first, term.starts_on) == term
    assert term_on(rules, first, term.ends_on) == term
    assert term_on(rules, first, term.ends_on + timedelta(days=1)) == next_term(
        rules, term
    )


@settings(max_examples=10_000, deadline=None)
@given(
    start=DAYS,
    initial=st.integers(1, 36),
    renewal=st.integers(1, 24),
    notice=st.integers(0, 18),
    unit=UNITS,
    later=st.integers(0, 4000),
)
def test_next_commitment_is_the_first_term_that_can_still_be_left(
    start: date,
    initial: int,
    renewal: int,
    notice: int,
    unit: NoticeUnit,
    later: int,
) -> None:
    day = start + timedelta(days=later)
    rules = TermRules(start, renewal, notice, unit)
    first = first_term(
        starts_on=start, ends_on=None, initial_months=initial, notice=notice, unit=unit
    )
    term = next_commitment(rules, first, day)
    assert term.notice_deadline_on is not None
    assert term.notice_deadline_on >= day
    if term.number > 1:
        before = kth_term(rules, first, term.number - 1)
        assert before is not None
        assert before.notice_deadline_on is not None
        assert before.notice_deadline_on < day


@settings(max_examples=10_000, deadline=None)
@given(day=DAYS, notice=st.integers(0, 36), unit=UNITS)
def test_earliest_end_is_the_first_whose_deadline_has_not_passed(
    day: date, notice: int, unit: NoticeUnit
) -> None:
    end = earliest_end(day, notice, unit)
    assert notice_deadline(end, notice, unit) >= day
    assert notice_deadline(end - timedelta(days=1), notice, unit) < day
