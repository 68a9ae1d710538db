"""Hours without a timesheet: on which days, taken back, and who may approve them."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from engagements.choices import ChargeKind, Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Engagement, Event, User
from tests.factories import begun, make_contract, make_user
from tests.spend.bills import bill_lines, line, time
from tests.spend.sheets import MONDAY, begin, fill, make_running, make_team, submitted
from tracker.spend.accrual_facts import facts_of
from tracker.spend.hours import approved_hours, missing_sheets
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    LedgerEntry,
    MatchException,
    WorkLog,
)
from tracker.spend.services import (
    approve_invoice,
    dispute_invoice,
    log_work,
    match_invoices,
    match_received,
    reopen_invoice,
    resolve_exception,
    submit_timesheet,
    verify_ledger,
    withdraw_work,
)
from tracker.spend.services.gathering import gather

pytestmark = pytest.mark.django_db

D = Decimal


def logged(
    engagement: Any, day: date = MONDAY, hours: str = "8", by: User | None = None
) -> WorkLog:
    line = WorkLog(
        engagement_id=engagement.pk,
        contractor=getattr(engagement, "contractor", None),
        worked_on=day,
        hours=D(hours),
    )
    return log_work(line=line, actor=by)


def withdrawn(line: WorkLog, reason: str = "Told twice") -> WorkLog:
    return withdraw_work(line=line, reason=reason, actor=make_user(Role.MANAGER))


def billed(engagement: Any, amount: str, hours: str, **fields: Any) -> Invoice:
    invoice = bill_lines(time(engagement, amount, hours), **fields)
    match_received()
    return invoice


def status_of(invoice: Invoice) -> str:
    return str(Invoice.objects.get(pk=invoice.pk).status)


# --- days ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (
            date(2026, 2, 1),
            "Line 1: Sun 1 Feb 2026 is before AUG-9 starts, on Mon 2 Feb 2026.",
        ),
        (
            date(2026, 4, 1),
            "Line 1: Wed 1 Apr 2026 is after the last day of AUG-9, Tue 31 Mar 2026:"
            " extend it first if the work was agreed.",
        ),
    ],
)
def test_work_outside_of_the_engagement_is_refused(day: date, told: str) -> None:
    assignment = make_running(
        reference="AUG-9", starts_on=date(2026, 2, 2), ends_on=date(2026, 3, 31)
    )

    with pytest.raises(ValidationError) as refused:
        logged(assignment, day)
    sheet = begin(assignment, day)
    place = (day - sheet.starts_on).days
    with pytest.raises(ValidationError) as refused_in_sheet:
        fill(sheet, {place: "8"})
    # That nothing was done there may be said.
    fill(sheet, {place: "0"})

    assert refused.value.message_dict == {"worked_on": [told]}
    assert refused_in_sheet.value.message_dict == {"worked_on": [told]}
    assert not LedgerEntry.objects.exists()


def test_a_person_has_24_hours_a_day_on_all_engagements_together() -> None:
    assignment, manager, _colleague = make_team()
    person = assignment.contractor
    other, managed = make_running(contractor=person), begun(make_contract())
    tuesday = MONDAY + timedelta(days=1)
    sheet = fill(begin(assignment, MONDAY), {0: "10", 1: "20"})
    logged(other, MONDAY, "10")
    on_contract = WorkLog(
        engagement=managed, contractor=person, worked_on=MONDAY, hours=D("14.5")
    )
    team = WorkLog(engagement=managed, worked_on=MONDAY, hours=D(200))

    with pytest.raises(ValidationError) as refused:
        log_work(line=on_contract, actor=None)
    log_work(line=team, actor=None)
    # A draft counts nowhere: so it is held against the day when it is submitted.
    logged(other, tuesday, "8")
    with pytest.raises(ValidationError) as too_much:
        submit_timesheet(timesheet=sheet, actor=manager)

    assert refused.value.message_dict == {
        "hours": [
            "Line 1: Mon 2 Mar 2026 would come to 24.5 hours of this person, on all"
            " engagements; a day has 24."
        ]
    }
    assert list(too_much.value.message_dict) == ["hours"]
    with pytest.raises(ValidationError, match="26 hours"):
        fill(sheet, {0: "16"})
    assert logged(other, MONDAY, "14").hours == D(14)


# --- withdrawn -----------------------------------------------------------------------


def hours_counted(engagement: Any) -> list[Decimal]:
    """Return the hours of March as each reader of them has it."""
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    invoice = Invoice.objects.filter(lines__engagement=engagement.pk).first()
    facts = facts_of(Engagement.objects.filter(pk=engagement.pk))[engagement.pk]
    found = [
        [one.hours for one in WorkLog.objects.counted()],
        [one.total for one in approved_hours([engagement.pk], first, last)],
        [one.hours for one in facts.terms.work],
    ]
    if invoice is not None:
        worked = gather([invoice])[0].worked[engagement.pk]
        found.append([one.hours for one in worked])
    return [sum(hours, D(0)) for hours in found]


def test_what_is_withdrawn_counts_nowhere_and_its_accrual_is_taken_back() -> None:
    assignment = make_running()
    manager = make_user(Role.MANAGER)
    twice, _kept = logged(assignment), logged(assignment, MONDAY, "2")
    bill_lines(line(assignment, ChargeKind.ONE_OFF, "10"), issued_on=date(2026, 3, 31))

    done = withdraw_work(line=twice, reason="  Told twice ", actor=manager)

    assert (done.withdrawn_by, done.withdrawn_reason) == (manager, "Told twice")
    assert set(hours_counted(assignment)) == {D(2)}
    time_of = LedgerEntry.objects.filter(charge_kind=ChargeKind.TIME)
    assert [one.amount for one in time_of.order_by("pk")] == [600, 150, -600]
    assert verify_ledger().is_exact
    event = Event.objects.get(event_type="engagement.work_withdrawn")
    assert event.actor == manager
    assert event.changes == {
        "worked_on": ["2026-03-02", None],
        "hours": ["8", None],
        "reason": [None, "Told twice"],
    }
    # Its day is free again.
    assert logged(assignment, MONDAY, "22").pk


def test_a_day_whose_work_was_withdrawn_belongs_to_its_sheet() -> None:
    assignment, manager, _colleague = make_team()
    line = logged(assignment)
    assert missing_of(assignment) == []

    withdrawn(line)

    assert missing_of(assignment) == [MONDAY]
    assert submitted(assignment, manager).lines.count() == 1


def missing_of(assignment: Any) -> list[date]:
    rows = type(assignment).objects.filter(pk=assignment.pk)
    found = missing_sheets(rows, MONDAY + timedelta(days=7))
    return [one.period.first for one in found if one.period.first == MONDAY]


def test_work_is_withdrawn_once_and_with_a_reason() -> None:
    line = logged(make_running())

    with pytest.raises(ValidationError) as refused:
        withdrawn(line, "  ")
    withdrawn(line)
    with pytest.raises(WrongStateError, match="withdrawn already"):
        withdrawn(line)

    assert refused.value.message_dict == {"reason": ["Say why it is withdrawn."]}
    assert LedgerEntry.objects.count() == 2


def test_lines_of_a_sheet_are_not_withdrawn() -> None:
    assignment, manager, _colleague = make_team()
    line = submitted(assignment, manager).lines.get()

    with pytest.raises(WrongStateError, match="line of a timesheet"):
        withdrawn(line)


def test_hours_that_a_matched_invoice_bills_stay_until_it_is_disputed() -> None:
    assignment = make_running()
    line = logged(assignment)
    finance = make_user(Role.FINANCE)
    invoice = billed(assignment, "600", "8", number="N-7")
    assert status_of(invoice) == InvoiceStatus.MATCHED

    with pytest.raises(WrongStateError) as refused:
        withdrawn(line)
    dispute_invoice(invoice=invoice, reason="Never worked", actor=finance)
    withdrawn(line)
    reopen_invoice(invoice=invoice, actor=finance)
    match_invoices(ids=[invoice.pk], actor=None)

    assert str(refused.value) == (
        "Invoice N-7 bills this day and is matched: dispute it first, or have it"
        " credited."
    )
    found = MatchException.objects.get()
    assert (found.code, found.amount) == ("hours_above_approved", D(600))
    assert verify_ledger().is_exact


def test_hours_whose_invoice_was_credited_in_full_can_be_withdrawn() -> None:
    assignment = make_running()
    line = logged(assignment)
    invoice = billed(assignment, "600", "8")
    approve_invoice(invoice=invoice, actor=make_user(Role.FINANCE))
    note = bill_lines(
        time(assignment, "-600", "-8"), kind=InvoiceKind.CREDIT_NOTE, credits=invoice
    )
    with pytest.raises(WrongStateError):
        withdrawn(line)
    match_received()
    approve_invoice(invoice=note, actor=make_user(Role.FINANCE))

    assert withdrawn(line).withdrawn_at is not None


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM tracker_worklog",
        "UPDATE tracker_worklog SET hours = hours + 1",
        "UPDATE tracker_worklog SET contractor_id = NULL",
        "UPDATE tracker_worklog SET description = 'other'",
        "UPDATE tracker_worklog SET source_key = NULL",
        "UPDATE tracker_worklog SET withdrawn_at = created_at, withdrawn_reason = 'x',"
        " source_key = NULL",
    ],
)
def test_the_database_keeps_what_was_logged(sql: str) -> None:
    log_work(line=told_by_tool(make_running()), actor=None)

    with pytest.raises(DatabaseError, match="withdrawn, never changed"):
        run(sql)


def told_by_tool(engagement: Any) -> WorkLog:
    return WorkLog(
        engagement_id=engagement.pk,
        contractor=engagement.contractor,
        worked_on=MONDAY,
        hours=D(8),
        description="With Jo Bloggs",
        source_key="tool:1",
    )


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_keeps_what_was_withdrawn_and_moves_nothing_to_a_sheet() -> None:
    assignment = make_running()
    line = withdrawn(logged(assignment))
    sheet = begin(assignment, MONDAY + timedelta(days=7))

    for sql in (
        "UPDATE tracker_worklog SET withdrawn_reason = 'other'",
        "UPDATE tracker_worklog SET withdrawn_at = NULL, withdrawn_reason = ''",
        f"UPDATE tracker_worklog SET timesheet_id = {sheet.pk}",
    ):
        with pytest.raises(DatabaseError, match="withdrawn, never changed"):
            run(sql)
    assert WorkLog.objects.get().withdrawn_reason == line.withdrawn_reason


def test_the_database_takes_no_line_out_of_its_sheet() -> None:
    fill(begin(make_running()), {0: "8"})

    with pytest.raises(DatabaseError, match="withdrawn, never changed"):
        run("UPDATE tracker_worklog SET timesheet_id = NULL")


def test_the_words_of_logged_work_can_be_erased() -> None:
    log_work(line=told_by_tool(make_running()), actor=None)

    run("UPDATE tracker_worklog SET description = ''")

    assert WorkLog.objects.get().description == ""


# --- who may approve what rests on them ----------------------------------------------


@pytest.mark.parametrize("is_superuser", [False, True])
def test_who_logged_hours_does_not_approve_the_invoice_that_bills_them(
    is_superuser: bool,
) -> None:
    assignment = make_running()
    logger = make_user(Role.ADMINISTRATOR, is_superuser=is_superuser)
    logged(assignment, by=logger)
    invoice = billed(assignment, "600", "8", received_by=make_user(Role.FINANCE))

    with pytest.raises(NotAllowedError) as refused:
        approve_invoice(invoice=invoice, actor=logger)
    approve_invoice(invoice=invoice, actor=make_user(Role.FINANCE))

    assert str(refused.value) == (
        "It bills hours that you logged without a timesheet: somebody else approves it."
    )
    assert status_of(invoice) == InvoiceStatus.APPROVED


def test_who_logged_hours_does_not_let_the_money_of_their_invoice_go() -> None:
    assignment = make_running()
    logger, finance = make_user(Role.ADMINISTRATOR), make_user(Role.FINANCE)
    logged(assignment, by=logger)
    billed(assignment, "750", "10")
    accept = partial(resolve_exception, resolution="accepted", reason="Fine")

    with pytest.raises(NotAllowedError, match="hours that you logged"):
        accept(exception=MatchException.objects.get(), actor=logger)
    accept(exception=MatchException.objects.get(), actor=finance)

    assert MatchException.objects.get().resolved_by == finance


def test_hours_of_other_days_and_those_withdrawn_hinder_no_approval() -> None:
    assignment = make_running()
    logger = make_user(Role.ADMINISTRATOR)
    logged(assignment, date(2026, 2, 27), by=logger)
    withdrawn(logged(assignment, by=logger))
    logged(assignment)
    invoice = billed(assignment, "600", "8")

    approve_invoice(invoice=invoice, actor=logger)

    assert status_of(invoice) == InvoiceStatus.APPROVED
