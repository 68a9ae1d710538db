"""Moments, months and answers as other systems write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tracker.imports.moments import (
    Moment,
    parse_count,
    parse_moment,
    parse_month,
    parse_yes_no,
)
from tracker.imports.parsing import DateReading, Unreadable

LONDON = ZoneInfo("Europe/London")
READING = DateReading("day_first", date(2030, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01T09:30:00", "2026-07-01T08:30:00"),
        ("2026-07-01 09:30", "2026-07-01T08:30:00"),
        ("2026-01-05 09:30:15.250", "2026-01-05T09:30:15"),
        ("2026-07-01T09:30:00Z", "2026-07-01T09:30:00"),
        ("2026-07-01 09:30 +02:00", "2026-07-01T07:30:00"),
        ("2026-07-01 09:30 -0530", "2026-07-01T15:00:00"),
        ("01/07/2026 09:30", "2026-07-01T08:30:00"),
        ("1 Jul 2026, 9:30 pm", "2026-07-01T20:30:00"),
        ("01/07/2026 12:05 AM", "2026-06-30T23:05:00"),
    ],
)
def test_moment_is_local_unless_it_names_its_zone(text, expected):
    at = datetime.fromisoformat(expected).replace(tzinfo=UTC)

    assert parse_moment(text, READING, LONDON) == Moment(at)


def test_hour_shown_twice_is_the_first_and_told():
    at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert parse_moment("2026-10-25 01:30", READING, LONDON) == Moment(at, True)
    assert parse_moment("2026-10-25 01:30Z", READING, LONDON).at.hour == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-03-29 01:30", "is a time that clocks in Europe/London skipped"),
        ("2026-07-01", "has no day and time that can be read"),
        ("2026-07-01 25:00", "is no time of the day"),
        ("2026-07-01 13:00 pm", "is no time of the day"),
        ("2026-02-30 10:00", "is no day of the calendar"),
        ("2026-07-01 10:00 +20:00", "has no such time zone"),
        ("tomorrow 10:00", "is no date that can be read"),
        ("0001-01-01 10:00", "is 0001-01-01, which can't be right"),
    ],
)
def test_moment_that_is_none_is_refused(text, reason):
    with pytest.raises(Unreadable) as refused:
        parse_moment(text, READING, LONDON)

    assert refused.value.reason == reason


def test_month_is_a_year_and_a_month():
    assert parse_month(" 2026-05 ") == date(2026, 5, 1)
    assert [parse_month(text) for text in ("2026-13", "2026-05-01", "05-2026")] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Met", True), ("BREACHED", False), ("", None), ("n/a", None), ("1", True)],
)
def test_yes_and_no_in_the_words_of_service_desks(text, expected):
    assert parse_yes_no(text) is expected


def test_answer_that_is_neither_is_refused():
    with pytest.raises(Unreadable, match="neither yes nor no"):
        parse_yes_no("perhaps")


@pytest.mark.parametrize("text", ["-1", "1.5", "9" * 5000, "NaN", "٣"])
def test_count_that_is_none_is_refused(text):
    with pytest.raises(Unreadable):
        parse_count(text)


def test_count_is_a_whole_number():
    assert [parse_count(text) for text in ("0", "1,200", "7.0")] == [0, 1200, 7]
