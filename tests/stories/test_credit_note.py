"""A worked example: a quarter billed in advance, tax beside it, part of it taken back.

Northwind bills the first quarter of a service desk at £10,000.00 a month, 20 % tax on
top: £36,000.00. The desk was closed for the second half of February, and Northwind
credits 14 of its 28 days: £5,000.00 and £1,000.00 of tax. Two thirds of the desk are
Retail's, one third is Logistics'; their shares were agreed as 66.67 and 33.33 percent.
"""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError

from engagements.choices import ChargeKind, Role
from engagements.models import ManagedContract
from tests.factories import begun, make_contract, make_cost_centre, make_user
from tests.spend.billing import make_invoice, make_line
from tracker.spend.models import Invoice, InvoiceKind, LedgerEntry, MonthlySpend
from tracker.spend.queries import SpendWhere, spend_by_month
from tracker.spend.services import (
    approve_invoice,
    mark_matched,
    post_invoice,
    settle_invoice,
    verify_ledger,
)
from tracker.spend.services.invoice_checks import left_of

pytestmark = pytest.mark.django_db

D = Decimal
JANUARY, MARCH = date(2026, 1, 1), date(2026, 3, 31)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-31T12:00Z", tick=False):
        yield


@pytest.fixture
def desk() -> ManagedContract:
    retail, logistics = make_cost_centre(code="RET"), make_cost_centre(code="LOG")
    contract = make_contract(
        cost_shares={retail: D("66.67"), logistics: D("33.33")}, starts_on=JANUARY
    )
    begun(contract)
    return contract


def bill_the_quarter(desk: ManagedContract) -> Invoice:
    period = {"period_from": JANUARY, "period_to": MARCH}
    lines = [
        make_line(desk, "30000", charge_kind=ChargeKind.RECURRING, **period),
        make_line(desk, "6000", charge_kind=ChargeKind.TAX, **period),
    ]
    invoice = make_invoice(*lines, number="NW-100", issued_on=date(2026, 1, 5))
    return post_invoice(invoice=invoice, lines=lines, actor=None)


def credit_february(
    desk: ManagedContract, of: Invoice, number: str = "NW-101"
) -> Invoice:
    period = {"period_from": date(2026, 2, 15), "period_to": date(2026, 2, 28)}
    lines = [
        make_line(desk, "-5000", charge_kind=ChargeKind.RECURRING, **period),
        make_line(desk, "-1000", charge_kind=ChargeKind.TAX, **period),
    ]
    note = make_invoice(
        *lines,
        number=number,
        issued_on=date(2026, 3, 2),
        kind=InvoiceKind.CREDIT_NOTE,
        credits=of,
    )
    return post_invoice(invoice=note, lines=lines, actor=None)


def by_month_and_centre(charge: ChargeKind) -> dict[tuple[int, str], Decimal]:
    rows = MonthlySpend.objects.filter(charge_kind=charge).select_related("cost_centre")
    return {(row.month.month, row.cost_centre.code): row.amount for row in rows}


def test_a_credit_note_takes_back_what_was_billed_to_the_cent(desk):
    invoice = bill_the_quarter(desk)

    assert by_month_and_centre(ChargeKind.RECURRING) == {
        (1, "RET"): D("6667.00"),
        (1, "LOG"): D("3333.00"),
        (2, "RET"): D("6667.00"),
        (2, "LOG"): D("3333.00"),
        (3, "RET"): D("6667.00"),
        (3, "LOG"): D("3333.00"),
    }

    note = credit_february(desk, of=invoice)

    # February alone gets cheaper: 6,667.00 less 3,333.50 and 3,333.00 less 1,666.50.
    february = {
        centre: amount
        for (month, centre), amount in by_month_and_centre(ChargeKind.RECURRING).items()
        if month == 2
    }
    assert february == {"RET": D("3333.50"), "LOG": D("1666.50")}
    # Tax is recorded, 2,000 a month less the 1,000 taken back, and is no spend.
    tax = by_month_and_centre(ChargeKind.TAX)
    assert sum(tax.values()) == D(5000)
    assert tax[2, "RET"] + tax[2, "LOG"] == D(1000)
    spent = spend_by_month(make_user(Role.FINANCE), SpendWhere())
    assert [(row.month.month, row.parts.total) for row in spent] == [
        (1, D(10000)),
        (2, D(5000)),
        (3, D(10000)),
    ]
    # 36,000.00 less 6,000.00 can be credited yet, and not a cent more.
    assert (note.total, left_of(invoice)) == (D(-6000), D(30000))
    found = verify_ledger()
    assert (found.is_exact, found.total, found.documents) == (True, D(25000), 4)


def test_the_rest_of_it_can_be_credited_and_no_more(desk):
    invoice = bill_the_quarter(desk)
    for number in ("NW-101", "NW-102", "NW-103", "NW-104", "NW-105", "NW-106"):
        credit_february(desk, of=invoice, number=number)

    with pytest.raises(ValidationError, match=r"£0\.00 is left to credit"):
        credit_february(desk, of=invoice, number="NW-107")

    assert left_of(invoice) == 0
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == 0


def test_it_goes_the_way_of_every_invoice(desk):
    note = credit_february(desk, of=bill_the_quarter(desk))
    finance = make_user(Role.FINANCE)

    mark_matched(invoice=note, actor=None)
    approve_invoice(invoice=note, actor=finance)
    settle_invoice(invoice=note, paid_on=date(2026, 3, 10), actor=finance)

    assert Invoice.objects.get(number="NW-101").status == "paid"
