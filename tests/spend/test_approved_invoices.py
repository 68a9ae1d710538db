"""What follows when an invoice is approved."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from engagements import events
from engagements.choices import ChargeKind, Role
from tests.factories import begun, make_assignment, make_contract, make_user
from tests.spend.bills import bill_lines, fee, line, time
from tracker.spend.models import (
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    PurchaseOrder,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import (
    approve_timesheet,
    enter_hours,
    record_order,
    start_timesheet,
    submit_timesheet,
    verify_ledger,
)

pytestmark = pytest.mark.django_db

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def approve(invoice):
    """As the service does that approves invoices: status, and its event."""
    with transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(status=InvoiceStatus.APPROVED)
        events.record(event_type="invoice.approved", subject=invoice, actor=None)


@pytest.fixture
def person():
    return begun(make_assignment())


def sheet(person, first, last):
    """Two days of work, on the first and the last day of an approved sheet."""
    found = Timesheet.objects.create(
        engagement=person,
        contractor=person.contractor,
        starts_on=first,
        ends_on=last,
        submitted_at=timezone.now(),
    )
    lines = [
        WorkLog(
            engagement=person,
            contractor=person.contractor,
            timesheet=found,
            worked_on=day,
            hours=Decimal("7.5"),
        )
        for day in (first, last)
    ]
    WorkLog.objects.bulk_create(lines)
    Timesheet.objects.update(status=TimesheetStatus.APPROVED)
    return found


def status_of(found):
    return Timesheet.objects.get(pk=found.pk).status


def test_sheet_is_invoiced_when_its_bill_is_approved(person):
    found = sheet(person, date(2026, 3, 2), date(2026, 3, 8))
    invoice = bill_lines(time(person, "1200", "15"))
    assert status_of(found) == TimesheetStatus.APPROVED

    approve(invoice)

    assert status_of(found) == TimesheetStatus.INVOICED


def test_sheet_over_the_turn_of_a_month_waits_for_both_bills(person):
    found = sheet(person, date(2026, 3, 30), date(2026, 4, 5))
    approve(bill_lines(time(person, "600", "7.5")))
    assert status_of(found) == TimesheetStatus.APPROVED

    approve(bill_lines(time(person, "600", "7.5", APRIL)))

    assert status_of(found) == TimesheetStatus.INVOICED


def test_sheet_that_nobody_approved_stays(person):
    found = sheet(person, date(2026, 3, 2), date(2026, 3, 8))
    Timesheet.objects.update(status=TimesheetStatus.SUBMITTED)

    approve(bill_lines(time(person, "1200", "15")))

    assert status_of(found) == TimesheetStatus.SUBMITTED


def test_overdrawn_order_keeps_the_invoice_from_approval():
    contract = begun(make_contract())
    record_order(
        order=PurchaseOrder(
            vendor=contract.vendor,
            number="PO-1",
            currency="GBP",
            amount=Decimal(9_999),
            starts_on=date(2026, 1, 1),
        ),
        engagements=[contract],
        actor=None,
    )
    invoice = bill_lines(fee(contract, "10000"))

    with pytest.raises(ValidationError, match=r"overdrawn by £1\.00"):
        approve(invoice)

    assert Invoice.objects.get().status == InvoiceStatus.RECEIVED


def credit(invoice, amount):
    [billed] = invoice.lines.all()
    line = time(billed.engagement, amount, None)
    line.period_from, line.period_to = billed.period_from, billed.period_to
    return bill_lines(line, kind="credit_note", credits=invoice)


def agreed_sheet(person, monday=date(2026, 3, 2)):
    """A week of one day of 8 hours, at 80 an hour, that somebody agreed to."""
    asks, decides = make_user(Role.ADMINISTRATOR), make_user(Role.ADMINISTRATOR)
    found = start_timesheet(
        timesheet=Timesheet(
            engagement=person,
            contractor=person.contractor,
            starts_on=monday,
            ends_on=monday + timedelta(days=6),
        ),
        actor=asks,
    )
    worked = WorkLog(worked_on=monday, hours=Decimal(8))
    found = enter_hours(timesheet=found, lines=[worked], actor=asks)
    found = submit_timesheet(timesheet=found, actor=asks)
    return approve_timesheet(timesheet=found, actor=decides)


def spent():
    return sum(entry.amount for entry in LedgerEntry.objects.all())


@time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False)
def test_sheet_is_open_for_a_new_bill_once_its_own_is_credited_in_full(person):
    found = agreed_sheet(person)
    worked = spent()
    wrong = bill_lines(time(person, "900", "8"))
    approve(wrong)
    locked = status_of(found), spent()

    approve(credit(wrong, "-400"))
    in_part = status_of(found)
    approve(credit(wrong, "-500"))
    opened = status_of(found), spent()
    approve(bill_lines(time(person, "600", "8")))

    assert locked == (TimesheetStatus.INVOICED, Decimal(900))
    assert in_part == TimesheetStatus.INVOICED
    assert opened == (TimesheetStatus.APPROVED, worked)
    assert (status_of(found), spent()) == (TimesheetStatus.INVOICED, Decimal(600))
    assert verify_ledger().is_exact


@time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False)
@pytest.mark.parametrize("tax", [[], ["240"]])
def test_only_the_sheets_whose_time_is_credited_are_opened(person, tax):
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    sheets = [agreed_sheet(person, day) for day in (first, second)]
    weeks = [(day, day + timedelta(days=6)) for day in (first, second)]
    wrong = bill_lines(
        *(time(person, "900", "8", *week) for week in weeks),
        *(line(person, ChargeKind.TAX, amount) for amount in tax),
    )
    approve(wrong)

    note = time(person, "-900", "-8", *weeks[1])
    approve(bill_lines(note, kind="credit_note", credits=wrong))
    after = [status_of(one) for one in sheets]
    standing = LedgerEntry.objects.filter(
        basis="accrued", reversal_of=None, reversal=None
    )

    assert after == [TimesheetStatus.INVOICED, TimesheetStatus.APPROVED]
    assert [(one.day, one.amount) for one in standing] == [(second, Decimal(640))]
    approve(bill_lines(time(person, "600", "8", *weeks[1])))
    assert [status_of(one) for one in sheets] == [TimesheetStatus.INVOICED] * 2
    assert verify_ledger().is_exact
