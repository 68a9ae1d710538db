"""What follows when an invoice is approved."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from engagements import events
from tests.factories import begun, make_assignment, make_contract
from tests.spend.bills import bill_lines, fee, time
from tracker.spend.models import (
    Invoice,
    InvoiceStatus,
    PurchaseOrder,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import record_order

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
            worked_on=day,
            hours=Decimal("7.5"),
        )
        for day in (first, last)
    ]
    WorkLog.objects.bulk_create(lines)
    WorkLog.objects.filter(timesheet=None).update(timesheet=found)
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
