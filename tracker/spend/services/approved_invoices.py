"""What the approval of an invoice brings: orders hold, timesheets close and open."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from engagements.choices import ChargeKind
from engagements.models import Event, User
from tracker.spend.models import (
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Timesheet,
    TimesheetStatus,
)
from tracker.spend.services.purchase_orders import check_orders_hold
from tracker.spend.services.timesheets import close_billed, open_for_new_bill

APPROVED = "invoice.approved"
RELEASED = (InvoiceStatus.APPROVED, InvoiceStatus.PAID)

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
    sheets = Timesheet.objects.select_for_update().filter(
        engagement__in=engagements, status=TimesheetStatus.APPROVED
    )
    covered = [sheet for sheet in sheets.order_by("pk") if _is_billed(sheet)]
    for sheet in covered:
        close_billed(sheet=sheet, actor=actor)
    return covered


@transaction.atomic
def reopen_credited_timesheets(*, note_id: int, actor: User | None) -> list[Timesheet]:
    """Open the sheets for a new bill whose invoice a credit note takes back in full.

    Returns them; none for what is no credit note, or leaves some of the invoice.
    """
    credited = Invoice.objects.filter(credit_notes=note_id).first()
    if credited is None or not credited_in_full([credited.pk]):
        return []
    taken_back = credited.lines.filter(charge_kind=ChargeKind.TIME)
    spans = list(taken_back.values_list("engagement_id", "period_from", "period_to"))
    sheets = Timesheet.objects.select_for_update().filter(
        engagement__in={engagement for engagement, _first, _last in spans},
        status=TimesheetStatus.INVOICED,
    )
    opened = [
        sheet
        for sheet in sheets.order_by("pk")
        if any(
            (engagement == sheet.engagement_id)
            and (first <= sheet.ends_on and last >= sheet.starts_on)
            for engagement, first, last in spans
        )
        and not _is_billed(sheet)
    ]
    for sheet in opened:
        billed = _spans(_standing(sheet).exclude(invoice__status="draft"))
        unbilled = [
            line
            for line in sheet.lines.select_related("engagement").filter(hours__gt=0)
            if not _is_in(line.worked_on, billed)
        ]
        open_for_new_bill(sheet=sheet, unbilled=unbilled, actor=actor)
    return opened


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
    return lines.exclude(
        invoice__in=credited_in_full(lines.values_list("invoice_id", flat=True))
    )


def _spans(lines: QuerySet[InvoiceLine]) -> list[Span]:
    return list(lines.values_list("period_from", "period_to"))


def _is_in(day: date, spans: Iterable[Span]) -> bool:
    return any(first <= day <= last for first, last in spans)


def credited_in_full(invoices: Iterable[int]) -> list[int]:
    """Return those of which approved credit notes leave nothing."""
    credited = Invoice.objects.filter(
        pk__in=list(invoices), credit_notes__status__in=RELEASED
    ).annotate(taken_back=Sum("credit_notes__total"))
    return list(
        credited.filter(taken_back__lte=-F("total")).values_list("pk", flat=True)
    )
