"""Timesheets for tests: every figure that matters is given by the test itself."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engagements.choices import Role
from engagements.models import Assignment, User
from tests.factories import begun, make_assignment, make_department, make_user
from tracker.spend.models import Cadence, Timesheet, WorkLog
from tracker.spend.services import enter_hours, start_timesheet, submit_timesheet
from tracker.spend.timesheet_periods import period_of

# A Monday.
MONDAY = date(2026, 3, 2)


def make_running(**fields: Any) -> Assignment:
    """Return a running assignment at 75 an hour: 600 for a day of 8."""
    assignment: Assignment = begun(make_assignment(rate=None, **fields))
    assignment.rate_terms.create(
        starts_on=assignment.starts_on, rate=Decimal(75), unit="hour"
    )
    return assignment


def make_team(**fields: Any) -> tuple[Assignment, User, User]:
    """Return an assignment with its manager and another one of the department."""
    department = make_department()
    manager = make_user(Role.MANAGER, department=department)
    colleague = make_user(Role.MANAGER, department=department)
    fields |= {"department": department, "manager": manager}
    return make_running(**fields), manager, colleague


def begin(
    assignment: Assignment,
    day: date = MONDAY,
    *,
    cadence: Cadence = Cadence.WEEK,
    actor: User | None = None,
) -> Timesheet:
    first, last = period_of(day, cadence)
    return start_timesheet(
        timesheet=Timesheet(
            engagement_id=assignment.pk,
            contractor=assignment.contractor,
            cadence=cadence,
            starts_on=first,
            ends_on=last,
        ),
        actor=actor,
    )


def line(day: date, hours: str, **fields: Any) -> WorkLog:
    return WorkLog(worked_on=day, hours=Decimal(hours), **fields)


def fill(sheet: Timesheet, hours: Mapping[int, str], **fields: Any) -> Timesheet:
    """Enter hours by day of the sheet, 0 being the first."""
    lines = [
        line(sheet.starts_on + timedelta(days=number), text, **fields)
        for number, text in hours.items()
    ]
    return enter_hours(timesheet=sheet, lines=lines, actor=None)


def submitted(
    assignment: Assignment, by: User, day: date = MONDAY, hours: str = "8"
) -> Timesheet:
    """Return a sheet of one day's hours that waits for approval."""
    return submit_timesheet(
        timesheet=fill(begin(assignment, day), {0: hours}), actor=by
    )
