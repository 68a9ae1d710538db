"""What the approval of an invoice brings: orders hold, timesheets close and open."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from engagements.choices import ChargeKind
from engagements.models import Event, User
from tracker.spend.models import (
    InvoiceLine,
    Timesheet,
    TimesheetStatus,
    hold_months_open,
)
from tracker.spend.services.credited_lines import RELEASED, credited_for_good
from tracker.spend.services.ledger import hold
from tracker.spend.services.purchase_orders import check_orders_hold
from tracker.spend.services.timesheets import close_billed, open_for_new_bill

APPROVED = "invoice.approved"

Span = tuple[date, date]


def on_approval(events: Iterable[Event], **_: Any) -> None:
    """Follow the approval of an invoice, in its transaction.

    Raises ValidationError where an order doesn't hold it: then it isn't approved.
    """
    for event in events:
        if event.event_type != APPROVED:
            continue
        check_orders_hold(invoice_id=event.subject_id)
        reopen_credited_timesheets(note_id=event.subject_id, actor=event.actor)
        engagements = InvoiceLine.objects.filter(
            invoice=event.subject_id, charge_kind=ChargeKind.TIME
        ).values_list("engagement_id", flat=True)
        close_billed_timesheets(engagements=set(engagements), actor=event.actor)


@transaction.atomic
def close_billed_timesheets(
    *, engagements: Collection[int], actor: User | None
) -> list[Timesheet]:
    """Call approved timesheets invoiced once approved invoices bill all their days.

    Returns those. A week over the turn of a month waits for both bills.
    """
    sheets = _held_sheets(engagements, TimesheetStatus.APPROVED)
    covered = [sheet for sheet in sheets if _is_billed(sheet)]
    for sheet in covered:
        close_billed(sheet=sheet, actor=actor)
    return covered


@transaction.atomic
def reopen_credited_timesheets(*, note_id: int, actor: User | None) -> list[Timesheet]:
    """Open the sheets for a new bill whose time a credit note takes back.

    Returns them. Those are the sheets of lines of which the approved notes leave
    nothing; other sheets of the invoice stay, and so do all where some is left of
    each line.
    """
    billed = InvoiceLine.objects.filter(
        invoice__credit_notes=note_id, charge_kind=ChargeKind.TIME, amount__gt=0
    )
    credited = credited_for_good(set(billed.values_list("invoice_id", flat=True)))
    spans = list(
        billed.filter(pk__in=credited).values_list(
            "engagement_id", "period_from", "period_to"
        )
    )
    sheets = _held_sheets({pk for pk, *_span in spans}, TimesheetStatus.INVOICED)
    opened = [
        sheet
        for sheet in sheets
        if any(
            (engagement == sheet.engagement_id)
            and (first <= sheet.ends_on and last >= sheet.starts_on)
            for engagement, first, last in spans
        )
        and not _is_billed(sheet)
    ]
    for sheet in opened:
        standing = _spans(_standing(sheet).exclude(invoice__status="draft"))
        unbilled = [
            line
            for line in sheet.lines.select_related("engagement").filter(hours__gt=0)
            if not _is_in(line.worked_on, standing)
        ]
        open_for_new_bill(sheet=sheet, unbilled=unbilled, actor=actor)
    return opened


def _held_sheets(engagements: Collection[int], status: str) -> list[Timesheet]:
    """Return the sheets, held after all that those who fill them in hold before."""
    if not engagements:
        return []
    hold_months_open()
    hold(engagements)
    rows = Timesheet.objects.filter(engagement__in=engagements, status=status)
    return list(rows.select_for_update().order_by("pk"))


def _is_billed(sheet: Timesheet) -> bool:
    """Whether lines of approved invoices bill every day on which hours were logged."""
    billed = _spans(_standing(sheet).filter(invoice__status__in=RELEASED))
    days: list[date] = list(sheet.lines.values_list("worked_on", flat=True))
    return bool(days) and all(_is_in(day, billed) for day in days)


def _standing(sheet: Timesheet) -> QuerySet[InvoiceLine]:
    """Return lines that bill time of the sheet's days, but for what was credited."""
    lines = InvoiceLine.objects.filter(
        engagement=sheet.engagement_id,
        charge_kind=ChargeKind.TIME,
        amount__gt=0,
        period_from__lte=sheet.ends_on,
        period_to__gte=sheet.starts_on,
    )
    invoices = set(lines.values_list("invoice_id", flat=True))
    return lines.exclude(pk__in=credited_for_good(invoices))


def _spans(lines: QuerySet[InvoiceLine]) -> list[Span]:
    return list(lines.values_list("period_from", "period_to"))


def _is_in(day: date, spans: Iterable[Span]) -> bool:
    return any(first <= day <= last for first, last in spans)
