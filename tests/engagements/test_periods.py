from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.values.periods import (
    add_months,
    count_months,
    first_term,
    last_day_of_month,
    months_between,
    notice_deadline,
    term_end,
)

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))


def test_notice_deadline_in_months_and_in_days() -> None:
    end = date(2027, 5, 31)
    assert notice_deadline(end, 3, "months") == date(2027, 2, 28)
    assert notice_deadline(end, 90, "days") == date(2027, 3, 2)


def test_notice_deadline_in_a_leap_year() -> None:
    assert notice_deadline(date(2028, 5, 31), 3, "months") == date(2028, 2, 29)


def test_term_end_from_31_january_does_not_drift() -> None:
    ends = [term_end(date(2026, 1, 31), 1, 1, k) for k in range(4)]
    assert ends == [
        date(2026, 2, 27),
        date(2026, 3, 30),
        date(2026, 4, 29),
        date(2026, 5, 30),
    ]


def test_months_between_holds_both_ends() -> None:
    months = list(months_between(date(2025, 11, 30), date(2026, 2, 1)))
    assert months == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert count_months(date(2025, 11, 30), date(2026, 2, 1)) == 4
    assert count_months(date(2026, 2, 1), date(2025, 11, 30)) == 0


@pytest.mark.parametrize(
    ("ends_on", "months", "expected"),
    [
        (date(2026, 12, 31), None, date(2026, 12, 31)),
        (None, 12, date(2026, 12, 31)),
        (date(2026, 6, 30), 12, date(2026, 6, 30)),
        (None, None, None),
    ],
)
def test_first_term_ends_at_the_earlier_of_end_and_term(
    ends_on: date | None, months: int | None, expected: date | None
) -> None:
    term = first_term(
        starts_on=date(2026, 1, 1),
        ends_on=ends_on,
        initial_months=months,
        notice=30,
        unit="days",
    )
    assert term.ends_on == expected


def test_first_term_without_notice_has_no_deadline() -> None:
    term = first_term(
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
        initial_months=None,
        notice=None,
        unit="days",
    )
    assert term.notice_deadline_on is None


@settings(max_examples=10_000, deadline=None)
@given(start=DAYS, initial=st.integers(1, 60), renewal=st.integers(1, 24))
def test_terms_follow_each_other_without_gap_or_drift(
    start: date, initial: int, renewal: int
) -> None:
    for k in range(1, 5):
        before = term_end(start, initial, renewal, k - 1)
        end = term_end(start, initial, renewal, k)
        anchor = add_months(start, initial + k * renewal)
        assert before < end
        assert end + timedelta(days=1) == anchor
        assert anchor.day == min(start.day, last_day_of_month(anchor).day)


@settings(max_examples=10_000, deadline=None)
@given(end=DAYS, notice=st.integers(0, 400))
def test_notice_deadline_in_days_leaves_exactly_the_notice(
    end: date, notice: int
) -> None:
    assert (end - notice_deadline(end, notice, "days")).days == notice


@settings(max_examples=10_000, deadline=None)
@given(end=DAYS, notice=st.integers(0, 36))
def test_notice_deadline_in_months_is_reckoned_from_the_day_after(
    end: date, notice: int
) -> None:
    after = end + timedelta(days=1)
    deadline = notice_deadline(end, notice, "months")
    assert deadline + timedelta(days=1) == add_months(after, -notice)
    assert deadline <= end
