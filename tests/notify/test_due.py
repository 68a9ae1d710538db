from datetime import date, timedelta

import pytest

from tracker.notify.due import (
    Deadline,
    DeadlineKind,
    deadlines_of,
    due_threshold,
    is_escalated,
    threshold_reached,
)

FALLS_ON = date(2026, 11, 30)


def days_before(days: int) -> date:
    return FALLS_ON - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (91, None),
        (90, 90),
        (61, 90),
        (60, 60),
        (31, 60),
        (30, 30),
        (8, 30),
        (7, 7),
        (0, 7),
        (-1, None),
    ],
)
def test_threshold_reached_is_the_nearest(days, expected):
    assert threshold_reached(FALLS_ON, days_before(days)) == expected


def test_reminders_of_one_date_go_out_on_four_days_only():
    sent: dict[int, int] = {}
    for days in range(120, -10, -1):
        threshold = due_threshold(FALLS_ON, today=days_before(days), sent=sent)
        if threshold is not None:
            sent[threshold] = days

    assert sent == {90: 90, 60: 60, 30: 30, 7: 7}


def test_missed_days_are_made_up_by_the_nearest_threshold_alone():
    assert due_threshold(FALLS_ON, today=days_before(20), sent={90}) == 30
    assert due_threshold(FALLS_ON, today=days_before(19), sent={90, 30}) is None


def test_reminder_is_never_followed_by_an_earlier_threshold():
    assert due_threshold(FALLS_ON, today=days_before(50), sent={30}) is None


def test_notice_given_leaves_the_term_end():
    dates = {"notice_deadline_on": FALLS_ON, "term_ends_on": date(2027, 2, 28)}
    term_end = Deadline(DeadlineKind.TERM_END, date(2027, 2, 28))

    assert deadlines_of(notice_given_on=None, **dates) == [
        Deadline(DeadlineKind.NOTICE, FALLS_ON),
        term_end,
    ]
    assert deadlines_of(notice_given_on=days_before(40), **dates) == [term_end]


def test_open_ended_engagement_has_no_dates():
    assert (
        deadlines_of(notice_given_on=None, notice_deadline_on=None, term_ends_on=None)
        == []
    )


@pytest.mark.parametrize(
    ("kind", "days", "changed_days_before", "expected"),
    [
        (DeadlineKind.NOTICE, 7, None, True),
        (DeadlineKind.NOTICE, 7, 91, True),
        (DeadlineKind.NOTICE, 7, 90, False),
        (DeadlineKind.NOTICE, 3, 91, True),
        (DeadlineKind.NOTICE, 8, None, False),
        (DeadlineKind.NOTICE, -1, None, False),
        (DeadlineKind.TERM_END, 7, None, False),
    ],
)
def test_notice_is_escalated_at_seven_days_unless_somebody_acted(
    kind, days, changed_days_before, expected
):
    changed = None if changed_days_before is None else days_before(changed_days_before)

    assert (
        is_escalated(
            Deadline(kind, FALLS_ON), today=days_before(days), last_changed_on=changed
        )
        is expected
    )


@pytest.mark.parametrize(
    ("falls_on", "today", "expected"),
    [
        (date(2028, 2, 29), date(2028, 1, 30), 30),
        (date(2028, 2, 29), date(2028, 2, 22), 7),
        (date(2028, 3, 7), date(2028, 2, 29), 7),
        (date(2028, 3, 8), date(2028, 2, 29), 30),
        (date(2029, 1, 1), date(2028, 10, 3), 90),
    ],
)
def test_days_are_counted_over_leap_days_and_years(falls_on, today, expected):
    assert threshold_reached(falls_on, today) == expected


def test_wanted_thresholds_alone_are_reached():
    assert threshold_reached(FALLS_ON, days_before(45), (90, 30, 7)) == 90
    assert threshold_reached(FALLS_ON, days_before(45), (30, 7)) is None
    assert (
        due_threshold(FALLS_ON, today=days_before(20), sent={90}, among=(90, 7)) is None
    )
