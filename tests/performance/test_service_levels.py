"""Figures of a window and what they are judged to be, worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from tests.performance.test_service_clock import at, clock
from tracker.performance.service_levels import (
    Bounds,
    Figure,
    Outcome,
    TicketCount,
    TicketTimes,
    from_counts,
    from_downtime,
    from_values,
    minutes_of,
    outcome_of,
    shown,
    summed,
    was_in_time,
    window_of,
    windows_between,
)

D = Decimal
MINUTE, HOUR = 60, 3600


def test_windows_are_calendar_months_and_quarters():
    assert window_of(date(2024, 2, 29), 1) == (date(2024, 2, 1), date(2024, 2, 29))
    assert window_of(date(2026, 5, 31), 3) == (date(2026, 4, 1), date(2026, 6, 30))
    assert windows_between(date(2026, 3, 31), date(2026, 4, 1), 3) == [
        (date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
    ]


@pytest.mark.parametrize(
    ("bounds", "value", "expected"),
    [
        (Bounds(False, D("99.5")), "99.5", Outcome.MET),
        (Bounds(False, D("99.5")), "99.49999999", Outcome.MISSED),
        (Bounds(True, D(30)), "30", Outcome.MET),
        (Bounds(True, D(30)), "30.01", Outcome.MISSED),
        # Below the target, yet no breach: the minimum is what must be reached.
        (Bounds(False, D("99.9"), D("99.5")), "99.6", Outcome.MET),
        (Bounds(False, D("99.9"), D("99.5")), "99.4", Outcome.MISSED),
    ],
)
def test_outcome_is_by_the_bound_that_must_be_reached(bounds, value, expected):
    assert outcome_of(Figure(value=D(value)), bounds) == expected


def test_no_data_is_neither_met_nor_missed():
    for bounds in (Bounds(False, D(0)), Bounds(True, D(1000))):
        assert outcome_of(Figure(), bounds) == Outcome.NO_DATA


def test_values_are_weighed_by_their_days():
    # 990 and 1,920 over 30 days
    assert from_values([(D(99), 10), (D(96), 20)]).value == D(97)
    assert from_values([]).value is None


def test_counts_add_up_and_nothing_has_no_share():
    # 57 + 38 of 60 + 40
    found = from_counts([(57, 60), (38, 40)])

    assert (found.value, found.good, found.total) == (D(95), 95, 100)
    assert from_counts([(0, 0)]).value is None
    # Half up, to eight decimals: 2/3
    assert from_counts([(2, 3)]).value == D("66.66666667")


MARCH = (at("2026-03-01"), at("2026-04-01"))


def march(outages=(), reported=()):
    found = clock("always", date(2026, 3, 1), date(2026, 3, 31))
    return from_downtime(found, *MARCH, outages=outages, reported_seconds=reported)


def test_downtime_counts_against_the_minutes_that_the_month_had():
    # 44,580 minutes, not 44,640: 223 of them are 0.50022 %, which misses 99.5 %.
    found = march([(at("2026-03-10 10:00"), at("2026-03-10 13:43"))])

    assert (found.down, found.service) == (223 * MINUTE, 44_580 * MINUTE)
    assert found.value == D("99.49977568")
    assert shown(found.value) == D("99.50")
    assert outcome_of(found, Bounds(False, D("99.5"))) == Outcome.MISSED


def test_outages_that_overlap_count_once_and_only_inside_the_window():
    found = march(
        [
            (at("2026-03-10 10:00"), at("2026-03-10 11:00")),
            (at("2026-03-10 10:30"), at("2026-03-10 11:30")),
            (at("2026-02-28 23:00"), at("2026-03-01 00:15")),
        ]
    )

    assert minutes_of(found.down) == D(90 + 15)


def test_outage_over_the_night_the_clock_moved_lasts_what_it_lasted():
    found = march([(at("2026-03-29 00:30"), at("2026-03-29 02:30"))])

    assert minutes_of(found.down) == D(60)


def test_nobody_watching_is_no_availability():
    assert march().value is None
    assert march(outages=[(at("2026-03-01"), at("2026-03-01"))]).value == D(100)
    assert march(reported=[0]).value == D(100)


def test_reported_minutes_are_taken_as_they_are():
    # 4,458 of 44,580 minutes
    assert march(reported=[4458 * MINUTE]).value == D(90)
    assert march(reported=[90_000 * MINUTE]).value == D(0)


def test_years_and_all_time_are_of_their_seconds():
    january = Figure(value=D(90), down=6, service=60, records=1)
    february = Figure(value=D(100), down=0, service=40, records=1)

    assert summed([january, february, Figure(service=50)]).value == D(94)
    assert summed([Figure(service=50)]) == Figure()
    # 9 + 9 of 10 + 20 good
    shares = [Figure(D(90), 9, 10, records=1), Figure(D(45), 9, 20, records=1)]
    assert summed(shares).value == D(60)


DAY = clock("business", date(2026, 5, 4), date(2026, 5, 29))
OPENED = at("2026-05-08 16:30")


@pytest.mark.parametrize(
    ("done", "flag", "now", "expected"),
    [
        # 60 minutes of service end on Monday at 09:30.
        ("2026-05-11 09:30", None, "2026-05-20 09:00", True),
        ("2026-05-11 09:31", None, "2026-05-20 09:00", False),
        (None, None, "2026-05-11 09:30", None),
        (None, None, "2026-05-11 09:31", False),
        # What the source says is believed.
        ("2026-05-20 09:00", True, "2026-05-20 09:00", True),
        ("2026-05-08 16:31", False, "2026-05-20 09:00", False),
    ],
)
def test_ticket_is_late_once_its_minutes_of_service_have_run_out(
    done, flag, now, expected
):
    ticket = TicketTimes(OPENED, at(done) if done else None, flag)

    assert was_in_time(ticket, DAY, HOUR, at(now)) is expected


def test_ticket_without_a_limit_counts_by_its_flag_alone():
    assert was_in_time(TicketTimes(OPENED, OPENED, None), DAY, None, OPENED) is None


def test_tickets_are_counted_or_timed():
    share, mean = TicketCount(HOUR, None), TicketCount(None, MINUTE)
    now = at("2026-05-20 09:00")
    for done in (OPENED + 20 * MINUTE, at("2026-05-11 09:10"), at("2026-05-11 10:00")):
        for count in (share, mean):
            count.add(TicketTimes(OPENED, done, None), DAY, now)
    # One that waits is late, and has no time yet.
    for count in (share, mean):
        count.add(TicketTimes(OPENED, None, None), DAY, now)

    assert share.figure() == Figure(D(50), 2, 4, records=4)
    # (20 + 40 + 90) / 3
    assert mean.figure() == Figure(D(50), total=3, records=3)
    assert TicketCount(HOUR, None).figure().value is None
    assert TicketCount(None, MINUTE).figure().value is None
