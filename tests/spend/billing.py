"""Invoices for tests of what is billed and paid."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from engagements.choices import ChargeKind, Role
from engagements.models import Engagement
from engagements.values.periods import last_day_of_month
from tests.factories import begun, make_user
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services import (
    approve_invoice,
    dispute_invoice,
    draft_invoice,
    mark_matched,
    post_invoice,
    settle_invoice,
)

_numbers = count(1)


def make_line(
    engagement: Engagement, amount: Decimal | str = "100", **fields: Any
) -> InvoiceLine:
    """Return an unsaved line for January 2026."""
    return InvoiceLine(
        **{
            "engagement": engagement,
            "charge_kind": ChargeKind.ONE_OFF,
            "period_from": date(2026, 1, 1),
            "period_to": date(2026, 1, 31),
            "amount": Decimal(amount),
        }
        | fields
    )


def make_invoice(*lines: InvoiceLine, **fields: Any) -> Invoice:
    """Return an unsaved invoice of the lines' vendor and sum."""
    first = lines[0]
    return Invoice(
        **{
            "vendor": first.engagement.vendor,
            "number": f"N-{next(_numbers)}",
            "issued_on": first.period_to,
            "currency": first.engagement.currency,
            "total": sum((line.amount for line in lines), Decimal(0)),
        }
        | fields
    )


def bill(
    engagement: Engagement,
    first: date,
    last: date | None = None,
    *,
    kind: ChargeKind = ChargeKind.RECURRING,
    amount: Decimal | str = "100",
    status: str = InvoiceStatus.RECEIVED,
    **fields: Any,
) -> Invoice:
    """Record an invoice of one line, for the month of `first` unless `last` is given.

    It is brought to the status step by step. A draft engagement counts as started.
    """
    begun(engagement)
    line = make_line(
        engagement,
        charge_kind=kind,
        period_from=first,
        period_to=last or last_day_of_month(first),
        amount=amount,
    )
    invoice = make_invoice(line, **{"issued_on": first} | fields)
    if status == InvoiceStatus.DRAFT:
        return draft_invoice(invoice=invoice, lines=[line], actor=None)
    return brought_to(
        post_invoice(invoice=invoice, lines=[line], actor=None), InvoiceStatus(status)
    )


def brought_to(invoice: Invoice, status: InvoiceStatus) -> Invoice:
    """Take a received invoice to the status, by the steps that lead there."""
    if status == InvoiceStatus.RECEIVED:
        return invoice
    if status == InvoiceStatus.DISPUTED:
        return dispute_invoice(invoice=invoice, reason="Not ordered", actor=None)
    invoice = mark_matched(invoice=invoice, actor=None)
    if status == InvoiceStatus.MATCHED:
        return invoice
    invoice = approve_invoice(invoice=invoice, actor=make_user(Role.FINANCE))
    if status == InvoiceStatus.APPROVED:
        return invoice
    person = make_user(Role.FINANCE)
    return settle_invoice(invoice=invoice, paid_on=invoice.issued_on, actor=person)
