from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.spend.timesheet_periods import (
    MONTH,
    WEEK,
    Period,
    expected_periods,
    free_period,
    is_period,
    period_of,
)

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
CADENCES = st.sampled_from([WEEK, MONTH])


def test_a_week_runs_from_monday_to_sunday() -> None:
    assert period_of(date(2026, 3, 4), WEEK) == (date(2026, 3, 2), date(2026, 3, 8))


def test_a_month_ends_on_its_last_day() -> None:
    assert period_of(date(2028, 2, 10), MONTH) == (
        date(2028, 2, 1),
        date(2028, 2, 29),
    )


@pytest.mark.parametrize(
    ("first", "last", "cadence", "is_one"),
    [
        ("2026-03-02", "2026-03-08", WEEK, True),
        ("2026-03-04", "2026-03-08", WEEK, True),
        ("2026-03-02", "2026-03-07", WEEK, False),
        ("2026-03-01", "2026-03-08", WEEK, False),
        ("2026-03-01", "2026-03-31", MONTH, True),
        ("2026-03-09", "2026-03-31", MONTH, True),
        ("2026-03-01", "2026-03-30", MONTH, False),
        ("2026-02-28", "2026-03-31", MONTH, False),
        ("2026-03-09", "2026-03-08", WEEK, False),
    ],
)
def test_a_period_ends_with_its_week_or_month(
    first: str, last: str, cadence: str, is_one: bool
) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last))

    assert is_period(period, cadence) is is_one


def test_a_month_after_weeks_begins_after_the_last_week() -> None:
    week = period_of(date(2026, 3, 1), WEEK)

    assert free_period(date(2026, 3, 10), MONTH, [week]) == (
        date(2026, 3, 2),
        date(2026, 3, 31),
    )


def test_a_day_that_a_sheet_covers_is_not_free() -> None:
    week = period_of(date(2026, 3, 2), WEEK)

    assert free_period(date(2026, 3, 4), WEEK, [week]) is None


def test_expected_periods_are_over_by_the_day() -> None:
    found = list(expected_periods(date(2026, 3, 4), date(2026, 3, 15), WEEK))

    assert found == [
        (date(2026, 3, 2), date(2026, 3, 8)),
        (date(2026, 3, 9), date(2026, 3, 15)),
    ]


@given(day=DAYS, cadence=CADENCES)
def test_every_day_is_in_one_period_and_periods_follow_one_another(
    day: date, cadence: str
) -> None:
    period = period_of(day, cadence)
    following = period_of(period.last + timedelta(days=1), cadence)

    assert period.first <= day <= period.last
    assert following.first == period.last + timedelta(days=1)
    assert is_period(period, cadence)
    assert period.days[0] == period.first
    assert period.days[-1] == period.last
