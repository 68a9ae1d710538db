from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from engagements.choices import Role
from engagements.models import Assignment
from tests.factories import make_user
from tests.spend.sheets import (
    MONDAY,
    begin,
    fill,
    line,
    make_running,
    make_team,
    submitted,
)
from tracker.spend.hours import (
    DayHours,
    approved_hours,
    latest_cadence,
    missing_sheets,
    to_decide,
)
from tracker.spend.models import Cadence
from tracker.spend.services import (
    approve_timesheet,
    log_work,
    reject_timesheet,
    submit_timesheet,
)

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1), date(2026, 3, 31)


def told(today: date, **narrowed: Any) -> list[tuple[date, date]]:
    found = missing_sheets(Assignment._default_manager.filter(**narrowed), today)
    return [tuple(one.period) for one in found]  # type: ignore[misc] # two days each


def test_hours_are_told_by_day_overtime_and_how_far_they_are_agreed() -> None:
    assignment, manager, colleague = make_team()
    first = submitted(assignment, manager)
    approve_timesheet(timesheet=first, actor=colleague)
    second = fill(
        begin(assignment, MONDAY + timedelta(days=7)), {0: "2"}, is_overtime=True
    )
    submit_timesheet(timesheet=second, actor=manager)
    log_work(
        line=line(
            MONDAY + timedelta(days=14),
            "7.5",
            engagement_id=assignment.pk,
            contractor=assignment.contractor,
        ),
        actor=None,
    )
    fill(begin(assignment, MONDAY + timedelta(days=21)), {0: "8"})

    found = approved_hours([assignment.pk], *MARCH)

    who = (assignment.pk, assignment.contractor_id)
    zero = Decimal(0)
    assert found == [
        DayHours(*who, date(2026, 3, 2), False, Decimal(8), zero, zero),
        DayHours(*who, date(2026, 3, 9), True, zero, Decimal(2), zero),
        DayHours(*who, date(2026, 3, 16), False, zero, zero, Decimal("7.5")),
    ]
    assert [one.agreed for one in found] == [Decimal(8), zero, Decimal("7.5")]


def test_rejected_hours_do_not_count() -> None:
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)
    reject_timesheet(timesheet=sheet, reason="No", actor=colleague)

    assert approved_hours([assignment.pk], *MARCH) == []


def test_weeks_that_are_over_and_have_no_sheet_are_missing() -> None:
    assignment = make_running(starts_on=date(2026, 2, 26))
    begin(assignment, MONDAY)
    log_work(
        line=line(
            date(2026, 3, 11),
            "8",
            engagement_id=assignment.pk,
            contractor=assignment.contractor,
        ),
        actor=None,
    )

    assert told(date(2026, 3, 22)) == [(date(2026, 2, 23), date(2026, 3, 1))]
    assert told(date(2026, 3, 23))[1:] == [(date(2026, 3, 16), date(2026, 3, 22))]


def test_an_engagement_that_begins_on_a_saturday_owes_no_sheet_of_that_week() -> None:
    make_running(starts_on=date(2026, 2, 28))

    assert told(date(2026, 3, 2)) == []


def test_who_keeps_months_owes_months() -> None:
    assignment = make_running(starts_on=date(2026, 2, 1))
    begin(assignment, date(2026, 2, 1), cadence=Cadence.MONTH)

    assert told(date(2026, 4, 1)) == [(date(2026, 3, 1), date(2026, 3, 31))]
    assert latest_cadence(assignment) == Cadence.MONTH


def test_a_sheet_is_asked_for_through_twelve_weeks() -> None:
    make_running(starts_on=date(2025, 1, 6))

    assert len(told(date(2026, 3, 30))) == 12


def test_missing_sheets_take_as_many_queries_for_three_as_for_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for count in (1, 2):
        for _number in range(count):
            make_running(starts_on=date(2026, 2, 26))
        with django_assert_num_queries(3):
            told(date(2026, 3, 30))


def test_what_waits_for_me_is_what_others_submitted_of_others() -> None:
    assignment, manager, colleague = make_team()
    submitted(make_running(), manager)
    mine = submitted(assignment, colleague, MONDAY + timedelta(days=7))
    theirs = submitted(assignment, manager)

    assert list(to_decide(colleague)) == [theirs]
    assert list(to_decide(manager)) == [mine]
    assert not to_decide(make_user(Role.HR_INTEGRATION)).exists()
