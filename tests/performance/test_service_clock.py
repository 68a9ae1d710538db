"""Time of service, in figures worked out by hand."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagements.values.workdays import is_public_holiday
from tracker.performance.service_clock import (
    WEEKS,
    ServiceClock,
    is_within,
    merged,
    moment_of,
    service_clock,
    without,
)

LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")


def clock(hours, first, last, *, zone=LONDON, country="GB", excluded=()):
    return service_clock(
        week=WEEKS[hours],
        zone=zone,
        first=first,
        last=last,
        is_public_holiday=lambda day: is_public_holiday(day, country),
        excluded=excluded,
    )


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp())


def minutes(found: ServiceClock, start: str, end: str) -> float:
    return found.seconds(at(start), at(end)) / 60


@pytest.mark.parametrize(
    ("first", "after", "expected"),
    [
        # 31 days; on 29 March the clock is put forward, on 25 October back.
        ("2026-01-01", "2026-02-01", 31 * 1440),
        ("2026-03-01", "2026-04-01", 31 * 1440 - 60),
        ("2026-10-01", "2026-11-01", 31 * 1440 + 60),
        ("2026-02-01", "2026-03-01", 28 * 1440),
        ("2024-02-01", "2024-03-01", 29 * 1440),
        ("2026-01-01", "2027-01-01", 365 * 1440),
        ("2024-01-01", "2025-01-01", 366 * 1440),
    ],
)
def test_around_the_clock_counts_every_minute_that_passes(first, after, expected):
    found = clock("always", date(2024, 1, 1), date(2027, 1, 1))

    assert minutes(found, first, after) == expected


def test_business_hours_leave_out_nights_weekends_and_public_holidays():
    found = clock("business", date(2026, 3, 1), date(2026, 12, 31))

    # Friday 16:30 to 17:00, and Monday 09:00 to 10:15, though the clock moved.
    assert minutes(found, "2026-03-27 16:30", "2026-03-30 10:15") == 30 + 75
    # Thursday from 16:00; Christmas, a weekend, a bank holiday; Tuesday to 09:30.
    assert minutes(found, "2026-12-24 16:00", "2026-12-29 09:30") == 60 + 30
    assert minutes(found, "2026-12-25 10:00", "2026-12-25 16:00") == 0


def test_extended_hours_take_in_saturdays():
    found = clock("extended", date(2026, 5, 1), date(2026, 5, 31))

    # Friday 8 May 20:00 to 21:00, Saturday 07:00 to 21:00, nothing on Sunday.
    assert minutes(found, "2026-05-08 20:00", "2026-05-10 12:00") == 60 + 14 * 60


def test_holidays_are_those_of_the_country_and_hours_those_of_the_zone():
    unity_day = date(2025, 10, 3)
    german = clock("business", unity_day, unity_day, zone=BERLIN, country="DE")
    british = clock("business", unity_day, unity_day)
    # 09:00 in London is 08:00 UTC that day, and 10:00 in Berlin.
    opening = int(datetime(2025, 10, 3, 8, tzinfo=UTC).timestamp())

    assert german.seconds(opening, opening + 3600) == 0
    assert british.seconds(opening - 3600, opening + 3600) == 3600


def test_contract_says_its_own_hours():
    week = WEEKS["business"].with_hours(time(8), None)

    assert (week.opens_at, week.closes_at) == (time(8), time(17))
    assert WEEKS["always"].with_hours(time(8), time(9)) == WEEKS["always"]


def test_excluded_time_does_not_count():
    maintenance = [(at("2026-01-10 01:00"), at("2026-01-10 03:30"))]
    found = clock(
        "always", date(2026, 1, 1), date(2026, 1, 31), excluded=maintenance * 2
    )

    assert minutes(found, "2026-01-01", "2026-02-01") == 31 * 1440 - 150
    assert minutes(found, "2026-01-10 00:30", "2026-01-10 02:00") == 30


def test_hour_that_the_clock_shows_twice_counts_twice():
    found = clock("always", date(2026, 10, 25), date(2026, 10, 25))

    assert minutes(found, "2026-10-25", "2026-10-26") == 25 * 60


def test_merged_joins_what_touches():
    assert merged([(5, 7), (1, 3), (3, 4), (6, 9), (2, 2)]) == [(1, 4), (5, 9)]


def test_is_within_leaves_out_the_end():
    spans = [(1, 4), (6, 9)]

    assert [n for n in range(10) if is_within(n, spans)] == [1, 2, 3, 6, 7, 8]


spans = st.builds(
    merged,
    st.lists(
        st.builds(
            lambda start, length: (start, start + length),
            st.integers(0, 60),
            st.integers(0, 30),
        ),
        max_size=6,
    ),
)


@given(open_spans=spans, excluded=spans, start=st.integers(0, 60), n=st.integers(0, 60))
def test_clock_counts_as_one_would_second_by_second(open_spans, excluded, start, n):
    found = ServiceClock(without(open_spans, excluded))

    counted = sum(
        is_within(second, open_spans) and not is_within(second, excluded)
        for second in range(start, start + n)
    )

    assert found.seconds(start, start + n) == counted


def test_moment_of_is_local():
    summer = datetime(2026, 6, 30, 23, tzinfo=UTC)

    assert moment_of(date(2026, 7, 1), LONDON) == int(summer.timestamp())
