from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from engagements.choices import ChargeKind, Role
from engagements.errors import ConflictError, NotAllowedError, WrongStateError
from engagements.models import Contractor, Event
from tests.factories import make_assignment, make_contract, make_user
from tests.spend.billing import bill
from tests.spend.sheets import (
    MONDAY,
    begin,
    fill,
    line,
    make_running,
    make_team,
    submitted,
)
from tracker.spend.hours import to_decide
from tracker.spend.models import (
    Basis,
    Cadence,
    LedgerEntry,
    MonthlySpend,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import (
    approve_timesheet,
    close_billed_timesheets,
    enter_hours,
    log_work,
    reject_timesheet,
    start_timesheet,
    submit_timesheet,
    verify_ledger,
)
from tracker.spend.services.timesheets import close_billed

pytestmark = pytest.mark.django_db


def accrued() -> Decimal:
    found = MonthlySpend.objects.filter(basis=Basis.ACCRUED)
    return sum((row.amount for row in found), Decimal(0))


def the_refusal(refused: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = refused.value.message_dict
    return found


def test_a_draft_costs_nothing() -> None:
    fill(begin(make_running()), {0: "8", 1: "7.5"})

    assert LedgerEntry.objects.count() == 0


def test_submitted_hours_are_accrued_at_the_rate_of_their_day() -> None:
    assignment, manager, _colleague = make_team()
    assignment.rate_terms.create(
        starts_on=MONDAY + timedelta(days=1), rate=Decimal(100), unit="hour"
    )
    sheet = fill(begin(assignment), {0: "8", 1: "2"})

    submit_timesheet(timesheet=sheet, actor=manager)

    assert [entry.amount for entry in LedgerEntry.objects.order_by("day")] == [
        Decimal(600),
        Decimal(200),
    ]
    assert accrued() == Decimal(800)


def test_overtime_is_accrued_with_its_multiplier() -> None:
    assignment, manager, _colleague = make_team()
    assignment.rate_terms.update(overtime_multiplier=Decimal("1.5"))
    sheet = fill(begin(assignment), {0: "2"}, is_overtime=True)

    submit_timesheet(timesheet=sheet, actor=manager)

    assert accrued() == Decimal(225)


def test_a_rejection_takes_the_accrual_back_and_a_second_submission_posts_anew() -> (
    None
):
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)

    rejected = reject_timesheet(timesheet=sheet, reason="Half a day", actor=colleague)
    after_rejection = accrued()
    again = fill(rejected, {0: "4"})
    submit_timesheet(timesheet=again, actor=manager)

    assert after_rejection == 0
    assert accrued() == Decimal(300)
    assert LedgerEntry.objects.count() == 3
    assert verify_ledger().is_exact


def test_the_same_hours_submitted_again_are_posted_again() -> None:
    assignment, manager, colleague = make_team()
    rejected = reject_timesheet(
        timesheet=submitted(assignment, manager), reason="Why?", actor=colleague
    )

    submit_timesheet(timesheet=rejected, actor=manager)

    assert accrued() == Decimal(600)
    assert WorkLog.objects.count() == 1


def test_a_rejection_needs_a_reason() -> None:
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)

    with pytest.raises(ValidationError) as refused:
        reject_timesheet(timesheet=sheet, reason="  ", actor=colleague)

    assert the_refusal(refused) == {"reason": ["Say why it is rejected."]}


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_decides_what_they_submitted(is_superuser: bool) -> None:
    assignment, manager, _colleague = make_team()
    manager.is_superuser = is_superuser
    manager.save()
    sheet = submitted(assignment, manager)

    for decide in (
        lambda: approve_timesheet(timesheet=sheet, actor=manager),
        lambda: reject_timesheet(timesheet=sheet, reason="No", actor=manager),
    ):
        with pytest.raises(NotAllowedError):
            decide()

    assert Timesheet.objects.get().status == TimesheetStatus.SUBMITTED


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_decides_about_hours_they_entered(is_superuser: bool) -> None:
    assignment, manager, colleague = make_team()
    manager.is_superuser = is_superuser
    manager.save()
    third = make_user(Role.FINANCE)
    sheet = begin(assignment)
    kept, added = line(MONDAY, "8"), line(MONDAY + timedelta(days=1), "8")
    enter_hours(timesheet=sheet, lines=[kept], actor=manager)
    enter_hours(timesheet=sheet, lines=[line(MONDAY, "8"), added], actor=colleague)
    submit_timesheet(timesheet=sheet, actor=colleague)

    with pytest.raises(NotAllowedError) as refused:
        approve_timesheet(timesheet=sheet, actor=manager)
    with pytest.raises(NotAllowedError):
        reject_timesheet(timesheet=sheet, reason="No", actor=manager)

    told = "You entered hours of this timesheet: somebody else has to decide."
    assert str(refused.value) == told
    assert [to_decide(one).count() for one in (manager, colleague, third)] == [0, 0, 1]
    approved = approve_timesheet(timesheet=sheet, actor=third)
    assert approved.status == TimesheetStatus.APPROVED


def test_who_entered_hours_that_others_corrected_decides() -> None:
    assignment, manager, colleague = make_team()
    sheet = begin(assignment)
    enter_hours(timesheet=sheet, lines=[line(MONDAY, "8")], actor=manager)
    enter_hours(timesheet=sheet, lines=[line(MONDAY, "6")], actor=colleague)
    submit_timesheet(timesheet=sheet, actor=colleague)

    assert to_decide(manager).get() == sheet
    approved = approve_timesheet(timesheet=sheet, actor=manager)

    assert approved.status == TimesheetStatus.APPROVED


def test_the_database_refuses_a_decision_by_who_entered_hours() -> None:
    assignment, manager, colleague = make_team()
    sheet = begin(assignment)
    enter_hours(timesheet=sheet, lines=[line(MONDAY, "8")], actor=colleague)
    submit_timesheet(timesheet=sheet, actor=manager)

    with pytest.raises(IntegrityError, match="entered hours"), transaction.atomic():
        Timesheet.objects.update(status="approved", decided_by=colleague)


def test_nobody_decides_about_their_own_time_superusers_included() -> None:
    assignment, manager, _colleague = make_team()
    Contractor.objects.update(work_email="Sam@example.com")
    sam = make_user(Role.ADMINISTRATOR, email="sam@example.com", is_superuser=True)
    sheet = submitted(assignment, manager)

    with pytest.raises(NotAllowedError) as refused:
        approve_timesheet(timesheet=sheet, actor=sam)

    assert str(refused.value) == "Nobody decides about their own time."


def test_who_does_not_see_the_engagement_does_not_decide() -> None:
    assignment, manager, _colleague = make_team()
    sheet = submitted(assignment, manager)

    for stranger in (make_user(Role.MANAGER), make_user(Role.AUDITOR)):
        with pytest.raises(NotAllowedError):
            approve_timesheet(timesheet=sheet, actor=stranger)


def test_the_database_refuses_a_decision_by_the_submitter() -> None:
    assignment, manager, _colleague = make_team()
    submitted(assignment, manager)

    with pytest.raises(IntegrityError), transaction.atomic():
        Timesheet.objects.update(status="approved", decided_by=manager)


def test_an_approved_sheet_stays() -> None:
    assignment, manager, colleague = make_team()
    sheet = approve_timesheet(timesheet=submitted(assignment, manager), actor=colleague)

    with pytest.raises(WrongStateError) as refused:
        fill(sheet, {0: "4"})
    with pytest.raises(WrongStateError):
        reject_timesheet(timesheet=sheet, reason="Late", actor=colleague)

    assert str(refused.value) == "The timesheet is approved and can't be changed."
    assert accrued() == Decimal(600)


def test_a_stale_sheet_is_not_decided() -> None:
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)

    with pytest.raises(ConflictError):
        approve_timesheet(
            timesheet=sheet, expected_version=sheet.version - 1, actor=colleague
        )


def test_sheets_of_a_person_do_not_overlap() -> None:
    assignment = make_running()
    begin(assignment)

    with pytest.raises(ValidationError) as refused:
        begin(assignment, cadence=Cadence.MONTH)

    assert the_refusal(refused) == {
        "starts_on": ["There is a timesheet from 2026-03-02 to 2026-03-08."]
    }


def test_a_sheet_covers_a_week_or_a_month() -> None:
    assignment = make_running()
    sheet = Timesheet(
        engagement_id=assignment.pk,
        contractor=assignment.contractor,
        starts_on=MONDAY,
        ends_on=MONDAY + timedelta(days=5),
    )

    with pytest.raises(ValidationError) as refused:
        start_timesheet(timesheet=sheet, actor=None)

    assert the_refusal(refused) == {
        "starts_on": ["Give a week from Monday to Sunday, or a calendar month."]
    }


def test_a_managed_contract_has_no_sheets() -> None:
    contract = make_contract()
    person = make_running().contractor
    contract.status = "active"
    contract.save()

    with pytest.raises(ValidationError) as refused:
        start_timesheet(
            timesheet=Timesheet(
                engagement_id=contract.pk,
                contractor=person,
                starts_on=MONDAY,
                ends_on=MONDAY + timedelta(days=6),
            ),
            actor=None,
        )

    assert list(the_refusal(refused)) == ["engagement"]


def test_a_draft_engagement_has_no_sheets() -> None:
    with pytest.raises(ValidationError) as refused:
        begin(make_assignment())

    assert list(the_refusal(refused)) == ["engagement"]


def test_zero_hours_are_known_and_a_blank_day_is_not() -> None:
    assignment, manager, _colleague = make_team()
    sheet = fill(begin(assignment), {0: "8", 1: "0"})

    submit_timesheet(timesheet=sheet, actor=manager)

    assert list(sheet.lines.values_list("worked_on", "hours")) == [
        (MONDAY, Decimal(8)),
        (MONDAY + timedelta(days=1), Decimal(0)),
    ]
    assert [one.hours for one in WorkLog.objects.counted()] == [Decimal(8)]
    assert LedgerEntry.objects.count() == 1


def test_drafts_do_not_count_as_work() -> None:
    fill(begin(make_running()), {0: "8"})

    assert not WorkLog.objects.counted().exists()


def test_an_empty_sheet_is_not_submitted() -> None:
    assignment, manager, _colleague = make_team()

    with pytest.raises(ValidationError) as refused:
        submit_timesheet(timesheet=begin(assignment), actor=manager)

    assert list(the_refusal(refused)) == ["hours"]


@time_machine.travel(date(2026, 3, 3), tick=False)
def test_hours_of_days_to_come_are_not_submitted() -> None:
    assignment, manager, _colleague = make_team()
    sheet = fill(begin(assignment), {0: "8", 2: "8"})

    with pytest.raises(ValidationError) as refused:
        submit_timesheet(timesheet=sheet, actor=manager)

    assert the_refusal(refused) == {
        "worked_on": ["Wed 4 Mar 2026 is yet to come: submit what was worked."]
    }


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([line(MONDAY, "24.5")], "hours"),
        ([line(MONDAY, "-1")], "hours"),
        ([line(MONDAY, "13"), line(MONDAY, "12", activity="support")], "hours"),
        ([line(MONDAY + timedelta(days=7), "8")], "worked_on"),
        ([line(MONDAY, "8", activity="sleeping")], "activity"),
    ],
)
def test_wrong_hours_are_refused_by_field(lines: list[WorkLog], field: str) -> None:
    sheet = begin(make_running())

    with pytest.raises(ValidationError) as refused:
        enter_hours(timesheet=sheet, lines=lines, actor=None)

    assert field in {*the_refusal(refused)} or "__all__" in the_refusal(refused)
    assert WorkLog.objects.count() == 0


def test_lines_that_did_not_change_are_left_as_they_are() -> None:
    sheet = fill(begin(make_running()), {0: "8", 1: "8"})
    kept, _changed = sheet.lines.order_by("worked_on").values_list("pk", flat=True)

    after = fill(sheet, {0: "8", 1: "6"})

    assert after.lines.order_by("worked_on")[0].pk == kept
    assert [one.hours for one in after.lines.all()] == [Decimal(8), Decimal(6)]


def test_saving_the_same_hours_writes_nothing() -> None:
    sheet = fill(begin(make_running()), {0: "8"})
    told = Event.objects.count()

    again = fill(sheet, {0: "8"})

    assert again.version == sheet.version
    assert Event.objects.count() == told


def test_work_is_not_logged_beside_a_sheet() -> None:
    assignment = make_running()
    begin(assignment)

    with pytest.raises(ValidationError) as refused:
        log_work(
            line=line(
                MONDAY,
                "8",
                engagement_id=assignment.pk,
                contractor=assignment.contractor,
            ),
            actor=None,
        )

    assert the_refusal(refused) == {
        "worked_on": [
            "Line 1: the timesheet from 2026-03-02 to 2026-03-08 covers 2026-03-02;"
            " enter the hours there."
        ]
    }


def test_a_day_that_was_logged_without_a_sheet_stays_blank_in_it() -> None:
    assignment = make_running()
    log_work(
        line=line(
            MONDAY, "8", engagement_id=assignment.pk, contractor=assignment.contractor
        ),
        actor=None,
    )

    with pytest.raises(ValidationError) as refused:
        fill(begin(assignment), {0: "8"})

    assert list(the_refusal(refused)) == ["worked_on"]
    assert accrued() == Decimal(600)


def test_hours_submitted_after_the_invoice_give_way_once_they_are_agreed() -> None:
    assignment, manager, colleague = make_team()
    bill(assignment, date(2026, 3, 1), kind=ChargeKind.TIME, status="approved")
    approve_timesheet(timesheet=submitted(assignment, manager), actor=colleague)
    before = accrued()

    close_billed_timesheets(engagements=[assignment.pk], actor=colleague)
    again = close_billed_timesheets(engagements=[assignment.pk], actor=colleague)

    assert before == Decimal(600)
    assert accrued() == 0
    assert again == []
    assert verify_ledger().is_exact


def test_every_step_tells_an_event() -> None:
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)
    reject_timesheet(timesheet=sheet, reason="Half a day", actor=colleague)
    sheet = submit_timesheet(timesheet=fill(sheet, {0: "4"}), actor=manager)
    sheet = approve_timesheet(timesheet=sheet, actor=colleague)
    close_billed(sheet=sheet, actor=None)

    told = Event.objects.filter(subject_type="timesheet").order_by("pk")
    assert list(told.values_list("event_type", "actor")) == [
        ("timesheet.created", None),
        ("timesheet.hours_entered", None),
        ("timesheet.submitted", manager.pk),
        ("timesheet.rejected", colleague.pk),
        ("timesheet.hours_entered", None),
        ("timesheet.submitted", manager.pk),
        ("timesheet.approved", colleague.pk),
        ("timesheet.invoiced", None),
    ]


def _run(sql: str, *params: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE tracker_timesheet SET status = 'draft'",
        "UPDATE tracker_timesheet SET reason = 'other'",
        "UPDATE tracker_timesheet SET status = 'approved', reason = 'other'",
        "DELETE FROM tracker_timesheet",
    ],
)
def test_the_database_keeps_an_invoiced_sheet(sql: str) -> None:
    assignment, manager, colleague = make_team()
    sheet = approve_timesheet(timesheet=submitted(assignment, manager), actor=colleague)
    close_billed(sheet=sheet, actor=None)

    with pytest.raises(DatabaseError, match="is invoiced"):
        _run(f"{sql} WHERE id = %s", sheet.pk)


@pytest.mark.parametrize("status", ["submitted", "approved", "invoiced"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE tracker_worklog SET hours = hours + 1",
        "UPDATE tracker_worklog SET timesheet_id = timesheet_id + 1",
        "UPDATE tracker_worklog SET description = 'other'",
        "DELETE FROM tracker_worklog",
    ],
)
def test_the_database_keeps_the_lines_of_a_closed_sheet(status: str, sql: str) -> None:
    assignment, manager, colleague = make_team()
    sheet = submitted(assignment, manager)
    if status != "submitted":
        sheet = approve_timesheet(timesheet=sheet, actor=colleague)
    if status == "invoiced":
        close_billed(sheet=sheet, actor=None)

    with pytest.raises(DatabaseError, match="the timesheet of this line is closed"):
        _run(f"{sql} WHERE timesheet_id = %s", sheet.pk)


def test_the_database_takes_no_new_line_for_a_closed_sheet() -> None:
    assignment, manager, _colleague = make_team()
    sheet = submitted(assignment, manager)
    late = line(
        MONDAY, "1", engagement_id=assignment.pk, contractor=assignment.contractor
    )
    late.timesheet = sheet

    with (
        pytest.raises(DatabaseError, match="the timesheet of this line is closed"),
        transaction.atomic(),
    ):
        WorkLog.objects.bulk_create([late])


def test_the_words_of_a_closed_line_can_be_erased() -> None:
    assignment, manager, _colleague = make_team()
    sheet = fill(begin(assignment), {0: "8"}, description="With Jo Bloggs")
    submit_timesheet(timesheet=sheet, actor=manager)

    _run("UPDATE tracker_worklog SET description = '' WHERE hours > 0")

    assert WorkLog.objects.get().description == ""


def test_the_database_refuses_overlapping_sheets() -> None:
    assignment = make_running()
    begin(assignment)
    second = begin(assignment, MONDAY + timedelta(days=7))
    overlapping = Timesheet(
        engagement_id=assignment.pk,
        contractor=assignment.contractor,
        cadence=Cadence.MONTH,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 3, 31),
    )

    with pytest.raises(DatabaseError, match="overlap"), transaction.atomic():
        Timesheet.objects.bulk_create([overlapping])
    with pytest.raises(DatabaseError, match="overlap"), transaction.atomic():
        Timesheet.objects.filter(pk=second.pk).update(
            starts_on=MONDAY + timedelta(days=5)
        )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("timesheet_cadence_known", {"cadence": "year"}),
        ("timesheet_status_known", {"status": "lost"}),
        ("timesheet_submitted_by_somebody", {"status": "submitted"}),
        ("timesheet_period_in_order", {"ends_on": MONDAY - timedelta(days=1)}),
    ],
)
def test_the_database_refuses_a_sheet(name: str, values: dict[str, Any]) -> None:
    begin(make_running())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Timesheet.objects.update(**values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("work_log_hours_in_day", {"hours": Decimal(25)}),
        ("work_log_hours_positive", {"hours": Decimal(-1)}),
    ],
)
def test_the_database_refuses_a_line(name: str, values: dict[str, Any]) -> None:
    fill(begin(make_running()), {0: "8"})

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        WorkLog.objects.update(**values)


def test_the_database_refuses_no_hours_without_a_sheet() -> None:
    nothing = line(MONDAY, "0", engagement_id=make_running().pk)

    with (
        pytest.raises(IntegrityError, match="work_log_hours_positive"),
        transaction.atomic(),
    ):
        WorkLog.objects.bulk_create([nothing])


def test_steps_take_a_fixed_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    assignment, manager, colleague = make_team()
    warm = submitted(assignment, manager, MONDAY - timedelta(days=7))
    approve_timesheet(timesheet=warm, actor=colleague)

    # PostgreSQL also takes the lock by which postings and closings wait.
    submitting = 29 if connection.vendor == "sqlite" else 31
    for number, hours in enumerate(({0: "8"}, {0: "8", 1: "8", 2: "8"})):
        sheet = begin(assignment, MONDAY + timedelta(days=7 * number))
        with django_assert_num_queries(17):
            fill(sheet, hours)
        with django_assert_num_queries(submitting):
            submit_timesheet(timesheet=sheet, actor=manager)
