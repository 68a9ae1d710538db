"""What the approval of an invoice brings: orders hold, timesheets are closed."""

from collections.abc import Iterable
from copy import copy
from datetime import date
from typing import Any

from django.db import transaction

from engagements import events
from engagements.choices import ChargeKind
from engagements.models import Event, User
from tracker.spend.models import InvoiceLine, InvoiceStatus, Timesheet, TimesheetStatus
from tracker.spend.services.purchase_orders import check_orders_hold

APPROVED = "invoice.approved"
RELEASED = (InvoiceStatus.APPROVED, InvoiceStatus.PAID)


def on_approval(events: Iterable[Event], **_: Any) -> None:
    """Follow the approval of an invoice, in its transaction.

    Raises ValidationError where an order doesn't hold it: then it isn't approved.
    """
    for event in events:
        if event.event_type == APPROVED:
            check_orders_hold(invoice_id=event.subject_id)
            mark_covered_timesheets(invoice_id=event.subject_id, actor=event.actor)


@transaction.atomic
def mark_covered_timesheets(*, invoice_id: int, actor: User | None) -> int:
    """Call approved timesheets invoiced once approved invoices bill all their days.

    Returns how many. A week over the turn of a month waits for both bills.
    """
    engagements = set(
        InvoiceLine.objects.filter(
            invoice=invoice_id, charge_kind=ChargeKind.TIME
        ).values_list("engagement_id", flat=True)
    )
    sheets = Timesheet.objects.select_for_update().filter(
        engagement__in=engagements, status=TimesheetStatus.APPROVED
    )
    covered = [sheet for sheet in sheets.order_by("pk") if _is_billed(sheet)]
    for sheet in covered:
        before = copy(sheet)
        sheet.status = TimesheetStatus.INVOICED
        sheet.version += 1
        sheet.save()
        events.record(
            event_type="timesheet.invoiced",
            subject=sheet,
            changes=events.difference(before, sheet),
            engagement=sheet.engagement,
            actor=actor,
        )
    return len(covered)


def _is_billed(sheet: Timesheet) -> bool:
    """Whether lines of approved invoices bill every day on which hours were logged."""
    billed = list(
        InvoiceLine.objects.filter(
            engagement=sheet.engagement_id,
            charge_kind=ChargeKind.TIME,
            amount__gt=0,
            invoice__status__in=RELEASED,
            period_from__lte=sheet.ends_on,
            period_to__gte=sheet.starts_on,
        ).values_list("period_from", "period_to")
    )
    days: list[date] = list(sheet.lines.values_list("worked_on", flat=True))
    return bool(days) and all(
        any(first <= day <= last for first, last in billed) for day in days
    )
