"""Who is told of timesheets: the submitter of one given back, the owner of a missing
one."""

from datetime import date, timedelta

import pytest

from engagements.models import Event
from tests.spend.sheets import make_running, make_team, submitted
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.services import tell_events, tell_missing_sheets
from tracker.spend.services import reject_timesheet

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)


def read_by(user):
    return [
        (text.status, text.about, text.detail, text.path)
        for text in in_words(alerts_of(user), user)
    ]


def test_a_sheet_given_back_is_told_to_its_submitter_with_the_reason():
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)

    reject_timesheet(timesheet=sheet, reason="Half a day", actor=colleague)
    tell_events()

    assert read_by(manager) == [
        (
            "Timesheet given back",
            assignment.title,
            f"{assignment.reference} · Half a day",
            f"/admin/tracker/timesheet/{sheet.pk}/change/",
        )
    ]
    assert read_by(colleague) == []


def test_a_missing_sheet_is_told_to_the_owner_once_after_three_days():
    assignment, manager, _colleague = make_team()
    type(assignment).objects.filter(pk=assignment.pk).update(starts_on=DAY)
    sunday = DAY + timedelta(days=6)

    counts = [
        tell_missing_sheets(today=sunday + timedelta(days=n)) for n in (1, 3, 4, 5)
    ]
    tell_events()

    assert counts == [0, 0, 1, 0]
    assert read_by(manager) == [
        (
            "Timesheet not started",
            assignment.title,
            f"{assignment.reference} · 2 Mar to 8 Mar 2026",
            "/admin/tracker/timesheet/missing/",
        )
    ]


def test_as_many_queries_tell_of_three_missing_sheets_as_of_one(
    django_assert_num_queries,
):
    for number, count in enumerate((1, 2)):
        for _number in range(count):
            make_running(starts_on=DAY)
        Event.objects.filter(event_type="timesheet.missing").count()
        today = DAY + timedelta(days=10 + 7 * number)
        with django_assert_num_queries(8):
            tell_missing_sheets(today=today)
