"""Spend for tests, posted through the services."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from engagements.models import Engagement, ManagedContract
from tests.factories import begun, make_contract
from tracker.spend.models import Invoice, InvoiceLine, Payment
from tracker.spend.services import post_invoice, post_payments

_numbers = count(1)
RUN = UUID(int=1)


def pay(engagement: Engagement, amount: str, on: date) -> Payment:
    return post_payments(payments=[payment(engagement, amount, on)], actor=None)[0]


def payment(engagement: Engagement, amount: str, on: date) -> Payment:
    number = next(_numbers)
    return Payment(
        engagement=engagement,
        vendor=engagement.vendor,
        paid_on=on,
        amount=Decimal(amount),
        currency=engagement.currency,
        supplier_name=engagement.vendor.legal_name,
        transaction_number=f"T{number}",
        source_key=f"spending:{number}",
        source_file="payments-2026.csv",
        source_line=number,
        source_run=RUN,
    )


def bill(engagement: Engagement, on: date, lines: Sequence[tuple[str, str]]) -> Invoice:
    """Post one invoice of (charge kind, amount) lines for one day's service.

    A draft counts as started.
    """
    begun(engagement)
    return post_invoice(
        invoice=Invoice(
            vendor=engagement.vendor,
            number=f"INV-{next(_numbers)}",
            issued_on=on,
            currency=engagement.currency,
            total=sum((Decimal(amount) for _kind, amount in lines), Decimal(0)),
        ),
        lines=[
            InvoiceLine(
                engagement=engagement,
                charge_kind=kind,
                period_from=on,
                period_to=on,
                amount=Decimal(amount),
            )
            for kind, amount in lines
        ],
        actor=None,
    )


def make_paid_contract(amount: str, on: date, **fields: Any) -> ManagedContract:
    contract = make_contract(**fields)
    pay(contract, amount, on)
    return contract
