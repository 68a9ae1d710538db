"""Invoices for tests of what is billed and paid."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from engagements.choices import ChargeKind
from engagements.models import Engagement
from engagements.values.periods import last_day_of_month
from tests.factories import begun
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services import post_invoice

_numbers = count(1)


def bill(
    engagement: Engagement,
    first: date,
    last: date | None = None,
    *,
    kind: ChargeKind = ChargeKind.RECURRING,
    amount: Decimal = Decimal(100),
    **fields: Any,
) -> Invoice:
    """Post an invoice of one line, for the month of `first` unless `last` is given.

    A draft counts as started.
    """
    begun(engagement)
    line = InvoiceLine(
        engagement=engagement,
        charge_kind=kind,
        period_from=first,
        period_to=last or last_day_of_month(first),
        amount=amount,
    )
    disputed = fields.get("status") == InvoiceStatus.DISPUTED
    values: dict[str, Any] = {
        "vendor": engagement.vendor,
        "number": f"N-{next(_numbers)}",
        "issued_on": first,
        "currency": engagement.currency,
        "total": line.amount,
        "dispute": "Not ordered" if disputed else "",
    } | fields
    return post_invoice(invoice=Invoice(**values), lines=[line], actor=None)
