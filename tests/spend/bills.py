"""Invoices of several lines, for tests of what they are held against."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from engagements.choices import ChargeKind
from engagements.models import Engagement
from engagements.values.periods import last_day_of_month
from tracker.spend.models import Invoice, InvoiceKind, InvoiceLine
from tracker.spend.services import post_invoice

MARCH = date(2026, 3, 1)
_numbers = count(1)


def fee(
    engagement: Engagement, amount: str, first: date = MARCH, last: date | None = None
) -> InvoiceLine:
    return line(engagement, ChargeKind.RECURRING, amount, first, last)


def time(
    engagement: Engagement,
    amount: str,
    hours: str | None,
    first: date = MARCH,
    last: date | None = None,
    **fields: Any,
) -> InvoiceLine:
    worked = None if hours is None else Decimal(hours)
    return line(
        engagement, ChargeKind.TIME, amount, first, last, hours=worked, **fields
    )


def line(
    engagement: Engagement,
    kind: ChargeKind,
    amount: str,
    first: date = MARCH,
    last: date | None = None,
    **fields: Any,
) -> InvoiceLine:
    return InvoiceLine(
        engagement_id=engagement.pk,
        charge_kind=kind,
        period_from=first,
        period_to=last or last_day_of_month(first),
        amount=Decimal(amount),
        **fields,
    )


def bill_lines(*lines: InvoiceLine, **fields: Any) -> Invoice:
    """Post the lines as an invoice issued after the last day of their service."""
    engagement = lines[0].engagement
    recorder = fields.pop("received_by", None)
    values: dict[str, Any] = {
        "vendor": engagement.vendor,
        "number": f"B-{next(_numbers)}",
        "issued_on": max(one.period_to for one in lines),
        "currency": engagement.currency,
        "total": sum((one.amount for one in lines), Decimal(0)),
        "received_by": recorder,
    } | fields
    return post_invoice(invoice=Invoice(**values), lines=list(lines), actor=recorder)


def credit_note(invoice: Invoice, amount: str, **fields: Any) -> Invoice:
    """Post a note that takes an amount of the invoice's first line back."""
    billed = invoice.lines.order_by("number")[0]
    back = line(
        billed.engagement,
        ChargeKind.CREDIT,
        amount,
        billed.period_from,
        billed.period_to,
    )
    values = {"kind": InvoiceKind.CREDIT_NOTE, "credits": invoice} | fields
    return bill_lines(back, **values)
