"""Timesheets in the admin: the grid, the steps, bulk approval, what is missing."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Event
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.factories import make_user
from tests.spend.sheets import MONDAY, begin, fill, make_running, submitted
from tracker.admin.timesheet_grid import read_hours
from tracker.spend.models import (
    Cadence,
    OversightLog,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import approve_timesheet, log_work, submit_timesheet

pytestmark = pytest.mark.django_db

LIST = reverse("admin:tracker_timesheet_changelist")
ADD = reverse("admin:tracker_timesheet_add")
MISSING = reverse("admin:tracker_timesheet_missing")


@pytest.fixture
def assignment(manager, department):
    return make_running(
        manager=manager, department=department, starts_on=date(2026, 2, 2)
    )


@pytest.fixture
def colleague(department):
    return make_user(Role.MANAGER, department=department)


def page_of(sheet: Timesheet) -> str:
    return reverse("admin:tracker_timesheet_change", args=[sheet.pk])


def step(client, sheet, name, **data):
    url = reverse(f"admin:tracker_timesheet_{name}", args=[sheet.pk])
    return client.post(url, {"_form_submitted": "True", **data})


def cell(row: int, day: int) -> str:
    return f"row-{row}-{(MONDAY + timedelta(days=day)).isoformat()}"


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", None),
        ("0", Decimal(0)),
        ("7.5", Decimal("7.5")),
        ("7,5", Decimal("7.5")),
        ("7:30", Decimal("7.5")),
        ("0:20", Decimal("0.33")),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert read_hours(text) == hours


@pytest.mark.parametrize("text", ["-1", "7:60", "8h", "1e400", "NaN", "٣", "7.5.1"])
def test_what_is_no_number_of_hours_is_not_read(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        read_hours(text)


def test_a_sheet_is_begun_for_the_week_of_a_day(client, assignment):
    posted = {"engagement": assignment.pk, "cadence": "week", "starts_on": "2026-03-04"}

    response = client.post(ADD, posted)

    sheet = Timesheet.objects.get()
    assert (sheet.starts_on, sheet.ends_on) == (date(2026, 3, 2), date(2026, 3, 8))
    assert sheet.contractor == assignment.contractor
    assert response.url == page_of(sheet)


def test_a_second_sheet_of_a_day_is_refused_beside_the_day(client, assignment):
    begin(assignment)
    posted = {"engagement": assignment.pk, "cadence": "week", "starts_on": "2026-03-04"}

    response = client.post(ADD, posted)

    assert errors_on(response) == {
        "starts_on": ["There is a timesheet of that day already."]
    }


def test_hours_are_entered_in_the_grid(client, assignment):
    sheet = begin(assignment)
    posted = fields_on(client, page_of(sheet)) | {
        "row-0-activity": "support",
        "row-0-assigned_by": "client",
        "row-0-is_core": "yes",
        "row-0-is_overtime": "on",
        "row-0-description": "Night shift",
        cell(0, 0): "7:30",
        cell(0, 1): "0",
        cell(0, 2): "",
    }

    client.post(page_of(sheet), posted)

    lines = sheet.lines.order_by("worked_on")
    assert [(line.worked_on, line.hours) for line in lines] == [
        (MONDAY, Decimal("7.5")),
        (MONDAY + timedelta(days=1), Decimal(0)),
    ]
    line = lines[0]
    assert (line.activity, line.assigned_by, line.is_core) == (
        "support",
        "client",
        True,
    )
    assert (line.is_out_of_hours, line.is_overtime) == (None, True)
    assert line.description == "Night shift"
    assert Event.objects.latest("pk").event_type == "timesheet.hours_entered"


def test_the_grid_shows_what_is_stored_and_its_sums(client, assignment):
    sheet = fill(begin(assignment), {0: "7.5", 1: "8"})

    grid = client.get(page_of(sheet)).context["grid"]

    [(_row, cells, total)] = grid.table
    assert [one.text for one in cells] == ["7.5", "8", "", "", "", "", ""]
    assert (total, grid.total) == ("15.5", "15.5")


def test_a_wrong_cell_is_shown_again_with_its_reason(client, assignment):
    sheet = begin(assignment)
    posted = fields_on(client, page_of(sheet)) | {
        "row-0-activity": "delivery",
        cell(0, 0): "eight",
        cell(0, 1): "25",
    }

    response = client.post(page_of(sheet), posted)

    assert errors_on(response) == {
        "__all__": [
            "Mon 2 Mar: “eight” is no number of hours, such as 7.5 or 7:30.",
            "Tue 3 Mar: a day has 24 hours.",
        ]
    }
    assert 'value="eight"' in response.content.decode()
    assert WorkLog.objects.count() == 0


def test_a_second_editor_is_told_of_the_conflict(client, assignment):
    sheet = begin(assignment)
    posted = fields_on(client, page_of(sheet)) | {
        "row-0-activity": "delivery",
        cell(0, 0): "8",
    }
    fill(sheet, {0: "4"})

    response = client.post(page_of(sheet), posted)

    assert "was changed by somebody else" in str(errors_on(response)["__all__"])
    assert [line.hours for line in sheet.lines.all()] == [Decimal(4)]


def test_a_foreign_skill_is_refused(client, assignment):
    sheet = begin(assignment)
    posted = fields_on(client, page_of(sheet)) | {
        "row-0-activity": "delivery",
        "row-0-skill": "999999",
        cell(0, 0): "8",
    }

    response = client.post(page_of(sheet), posted)

    assert errors_on(response) == {
        "__all__": ["Choose from the lists what kind of work it was."]
    }


@pytest.mark.parametrize("words", ["nul \x00", "bell \x07", "x" * 301, "turned \u202e"])
def test_hostile_words_are_refused_and_nothing_is_stored(client, assignment, words):
    sheet = begin(assignment)
    posted = fields_on(client, page_of(sheet)) | {
        "row-0-activity": "delivery",
        "row-0-description": words,
        cell(0, 0): "8",
    }

    response = client.post(page_of(sheet), posted)

    assert [text[:15] for text in errors_on(response)["__all__"]] == ["The description"]
    assert WorkLog.objects.count() == 0


def test_a_new_sheet_begins_with_the_rows_of_the_last(client, assignment):
    fill(begin(assignment), {0: "8"}, activity="support", description="Desk")
    sheet = begin(assignment, MONDAY + timedelta(days=7))

    grid = client.get(page_of(sheet)).context["grid"]

    assert [(row.work.activity, row.work.description) for row in grid.rows] == [
        ("support", "Desk")
    ]
    assert grid.total == ""


def test_a_sheet_is_submitted_and_approved_by_somebody_else(
    client, manager, assignment, colleague
):
    sheet = fill(begin(assignment), {0: "8"})

    step(client, sheet, "submit")
    own = step(client, sheet, "approve")
    other = logged_in(Role.FINANCE)
    step(other, sheet, "approve")

    assert own.status_code == 403
    sheet.refresh_from_db()
    assert sheet.status == TimesheetStatus.APPROVED
    assert sheet.submitted_by == manager


def test_a_rejection_comes_back_with_its_reason(client, assignment, colleague):
    sheet = submitted(assignment, colleague)

    step(client, sheet, "reject", reason="Half a day")

    page = client.get(page_of(sheet)).content.decode()
    assert "Half a day" in page
    sheet.refresh_from_db()
    assert sheet.status == TimesheetStatus.REJECTED


def test_a_closed_sheet_is_read_only(client, manager, assignment, colleague):
    sheet = submitted(assignment, manager)
    approve_timesheet(timesheet=sheet, actor=colleague)

    page = client.get(page_of(sheet))
    posted = client.post(page_of(sheet), {cell(0, 0): "1", "row-0-activity": "support"})

    assert f'name="{cell(0, 0)}"' not in page.content.decode()
    assert posted.status_code == 403
    assert [line.hours for line in sheet.lines.all()] == [Decimal(8)]


def test_finance_decides_and_enters_nothing(assignment, manager):
    sheet = begin(assignment)
    finance = logged_in(Role.FINANCE)

    assert finance.get(ADD).status_code == 403
    assert finance.post(page_of(sheet), {cell(0, 0): "1"}).status_code == 403
    assert finance.get(page_of(sheet)).status_code == 200


def test_another_departments_sheet_is_not_there(assignment):
    stranger = logged_in(Role.MANAGER)
    sheet = begin(assignment)

    assert stranger.get(page_of(sheet)).status_code == 302
    assert step(stranger, sheet, "submit").status_code in (403, 404)
    assert stranger.get(LIST).context["cl"].result_count == 0
    assert stranger.get(MISSING).context["rows"] == []


def bulk(client, sheets, mode="try"):
    keys = [f"{one.pk}:{one.version}" for one in sheets]
    url = reverse("admin:tracker_timesheet_bulk", args=["approve"])
    return client.post(url, {"row": keys, "mode": mode}, follow=True)


def test_bulk_approval_previews_and_leaves_out_what_it_may_not(
    client, manager, assignment, colleague
):
    good = submitted(assignment, colleague)
    own = submitted(assignment, manager, MONDAY + timedelta(days=7))

    preview = bulk(client, [good, own])
    done = bulk(client, [good, own], mode="those")

    rows = preview.context["preview"].rows
    assert {row.record_id: row.refusal for row in rows} == {
        good.pk: "",
        own.pk: "You submitted this timesheet: somebody else has to decide.",
    }
    assert [str(one) for one in get_messages(done.wsgi_request)] == [
        "1 row changed, 1 left out."
    ]
    assert dict(Timesheet.objects.values_list("pk", "status")) == {
        good.pk: "approved",
        own.pk: "submitted",
    }


def test_missing_sheets_are_listed_and_begun(client, assignment, monkeypatch):
    monkeypatch.setattr(
        "tracker.admin.timesheet.timezone.localdate", lambda: date(2026, 2, 10)
    )

    rows = client.get(MISSING).context["rows"]
    begun = client.post(MISSING, {"engagement": assignment.pk, "day": "2026-02-02"})

    assert [row.period.first for row in rows] == [date(2026, 2, 2)]
    sheet = Timesheet.objects.get()
    assert begun.url == page_of(sheet)
    assert sheet.cadence == Cadence.WEEK
    assert client.get(MISSING).context["rows"] == []


@pytest.mark.parametrize("day", ["2026-01-26", "nonsense", ""])
def test_a_sheet_that_is_not_missing_is_not_begun(client, assignment, day):
    posted = {"engagement": assignment.pk, "day": day}

    assert client.post(MISSING, posted).status_code == 404


def test_the_list_takes_as_many_queries_at_1_as_at_3_rows(
    client, manager, department, django_assert_num_queries
):
    client.get(LIST)
    for count in (1, 2):
        for _number in range(count):
            running = make_running(manager=manager, department=department)
            submit_timesheet(timesheet=fill(begin(running), {0: "8"}), actor=manager)
        with django_assert_num_queries(16):
            client.get(LIST)


def test_the_grid_takes_as_many_queries_at_1_as_at_3_lines(
    client, assignment, django_assert_num_queries
):
    sheet = fill(begin(assignment), {0: "8"})
    client.get(page_of(sheet))
    with django_assert_num_queries(20):
        client.get(page_of(sheet))

    fill(sheet, {0: "8", 1: "8", 2: "8"})

    with django_assert_num_queries(20):
        client.get(page_of(sheet))


MONTH = reverse("admin:tracker_oversightlog_month")


def hours_by_reference():
    logs = OversightLog.objects.order_by("engagement_id")
    return {
        log.engagement.reference if log.engagement else "": log.hours for log in logs
    }


def test_a_month_of_oversight_is_saved_in_one_go(client, manager, assignment):
    other = make_running(manager=manager, department=manager.department)
    month = f"{MONTH}?month=2026-03"
    names = {one: f"hours-{one.pk}" for one in (assignment, other)}

    client.post(
        month, {names[assignment]: "7:30", names[other]: "0", "hours-other": "2"}
    )
    first = hours_by_reference()
    client.post(month, {names[assignment]: "8", names[other]: "", "hours-other": "2"})

    assert first == {
        assignment.reference: Decimal("7.5"),
        other.reference: Decimal(0),
        "": Decimal(2),
    }
    assert hours_by_reference() == {assignment.reference: Decimal(8), "": Decimal(2)}
    told = Event.objects.filter(subject_type="oversightlog").order_by("pk")
    assert list(told.values_list("event_type", flat=True)) == [
        "oversight.logged",
        "oversight.logged",
        "oversight.logged",
        "oversightlog.changed",
        "oversightlog.deleted",
    ]


def test_a_wrong_figure_of_oversight_saves_nothing(client, assignment):
    name = f"hours-{assignment.pk}"

    response = client.post(f"{MONTH}?month=2026-03", {name: "much", "hours-other": "2"})

    assert [line.error for line in response.context["lines"]] == [
        "Give hours, such as 7.5 or 7:30.",
        "",
    ]
    assert OversightLog.objects.count() == 0


def test_oversight_beyond_a_month_is_refused_with_its_engagement(client, assignment):
    response = client.post(f"{MONTH}?month=2026-03", {f"hours-{assignment.pk}": "745"})

    assert [str(one) for one in get_messages(response.wsgi_request)] == [
        f"{assignment.reference}: A month has at most 744 hours."
    ]


def test_oversight_asks_for_what_ran_in_the_month_and_is_mine(client, assignment):
    make_running(department=assignment.department)
    before = client.get(f"{MONTH}?month=2026-01").context["lines"]
    during = client.get(f"{MONTH}?month=2026-02").context["lines"]

    assert [line.reference for line in before] == [""]
    assert [line.reference for line in during] == [assignment.reference, ""]


@pytest.mark.parametrize("month", ["2026-13", "9999-01", "0001-01", "x"])
def test_a_month_that_is_none_is_this_month(client, month):
    response = client.get(MONTH, {"month": month})

    assert response.status_code == 200


def test_home_tells_what_waits_and_what_is_missing(client, assignment, colleague):
    waiting = submitted(assignment, colleague)

    sections = client.get(reverse("admin:index")).context["sections"]

    titles = {section.name: len(section.rows) for section in sections}
    assert titles["hours_to_approve"] == 1
    assert titles["timesheets_missing"] > 0
    assert page_of(waiting) in client.get(reverse("admin:index")).content.decode()


# --- hours without a sheet -----------------------------------------------------------

WORK = reverse("admin:tracker_worklog_changelist")


def work_page(line: WorkLog, name: str = "change") -> str:
    return reverse(f"admin:tracker_worklog_{name}", args=[line.pk])


def logged_work(assignment, hours="8") -> WorkLog:
    line = WorkLog(
        engagement_id=assignment.pk,
        contractor=assignment.contractor,
        worked_on=MONDAY,
        hours=Decimal(hours),
    )
    return log_work(line=line, actor=None)


def test_work_is_withdrawn_by_a_step_and_leaves_the_list(client, assignment, manager):
    line = logged_work(assignment)
    told = {"_form_submitted": "True", "reason": "Told twice"}

    offered = client.get(work_page(line)).content.decode()
    client.post(work_page(line, "withdraw"), told)
    page = client.get(work_page(line)).content.decode()
    again = client.post(work_page(line, "withdraw"), told)

    line.refresh_from_db()
    assert (line.withdrawn_by, line.withdrawn_reason) == (manager, "Told twice")
    assert work_page(line, "withdraw") in offered
    assert "Told twice" in page
    assert work_page(line, "withdraw") not in page
    assert again.status_code == 403
    rows = [
        list(client.get(f"{WORK}{which}").context["cl"].result_list)
        for which in ("", "?which=withdrawn", "?which=all")
    ]
    assert rows == [[], [line], [line]]


def test_work_out_of_sight_and_lines_of_sheets_are_not_withdrawn(
    client, assignment, manager
):
    other = logged_work(make_running())
    line = submitted(assignment, manager).lines.get()
    told = {"_form_submitted": "True", "reason": "Told twice"}

    answers = [client.post(work_page(one, "withdraw"), told) for one in (other, line)]

    assert [one.status_code for one in answers] == [403, 403]
    assert not WorkLog.objects.filter(withdrawn_at__isnull=False).exists()


def test_work_outside_of_the_engagement_is_refused_in_its_form(client, assignment):
    posted = fields_on(client, reverse("admin:tracker_worklog_add")) | {
        "engagement": assignment.pk,
        "contractor": "",
        "worked_on": "2026-02-01",
        "hours": "8",
    }

    response = client.post(reverse("admin:tracker_worklog_add"), posted)

    assert list(errors_on(response)) == ["worked_on"]
    assert not WorkLog.objects.exists()


def test_who_entered_hours_is_offered_no_decision(client, assignment, colleague):
    sheet = fill(begin(assignment), {0: "8"})
    WorkLog.objects.update(logged_by=assignment.manager)
    submit_timesheet(timesheet=sheet, actor=colleague)

    page = client.get(page_of(sheet)).content.decode()

    assert reverse("admin:tracker_timesheet_approve", args=[sheet.pk]) not in page
    assert step(client, sheet, "approve").status_code == 403
