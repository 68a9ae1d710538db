"""A worked example: a quarter billed too high, credited in full and billed anew.

Northwind's service desk was agreed at £10,000.00 a month and, from 16 February on, at
£9,000.00. Northwind bills the first quarter as if nothing had changed: £30,000.00, and
20 % tax. February should have been 15 days of 10,000.00 and 13 of 9,000.00, by days of
28: 5,357.14 + 4,178.57 = £9,535.71; March £9,000.00; the quarter £28,535.71.

Northwind credits all of it and bills it anew. Two thirds of the desk are Retail's, one
third is Logistics', as 66.67 and 33.33 percent.
"""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError

from engagements.choices import ChargeKind, Role
from engagements.models import FeeTerm, ManagedContract
from engagements.services.terms import amend_fee
from tests.factories import begun, make_contract, make_cost_centre, make_user
from tests.spend.billing import make_invoice, make_line
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    MatchException,
    MonthlySpend,
)
from tracker.spend.services import (
    approve_invoice,
    match_received,
    post_invoice,
    verify_ledger,
)

pytestmark = pytest.mark.django_db

D = Decimal
PERIOD = {"period_from": date(2026, 1, 1), "period_to": date(2026, 3, 31)}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-31T12:00Z", tick=False):
        yield


@pytest.fixture
def desk() -> ManagedContract:
    retail, logistics = make_cost_centre(code="RET"), make_cost_centre(code="LOG")
    contract = make_contract(
        fee=D(10_000),
        cost_shares={retail: D("66.67"), logistics: D("33.33")},
        starts_on=date(2026, 1, 1),
    )
    fee = FeeTerm(contract=contract, starts_on=date(2026, 2, 16), monthly_fee=D(9_000))
    amend_fee(term=fee, actor=None)
    begun(contract)
    return contract


def post(
    desk: ManagedContract, number: str, fee: str, tax: str, of: Invoice | None = None
) -> Invoice:
    lines: list[InvoiceLine] = [
        make_line(desk, fee, charge_kind=ChargeKind.RECURRING, **PERIOD),
        make_line(desk, tax, charge_kind=ChargeKind.TAX, **PERIOD),
    ]
    kind = InvoiceKind.INVOICE if of is None else InvoiceKind.CREDIT_NOTE
    issued_on = date(2026, 3, 31)
    bill = make_invoice(
        *lines, number=number, kind=kind, credits=of, issued_on=issued_on
    )
    return post_invoice(invoice=bill, lines=lines, actor=None)


def spent() -> dict[tuple[int, str], Decimal]:
    rows = MonthlySpend.objects.exclude(charge_kind=ChargeKind.TAX)
    return {
        (row.month.month, row.cost_centre.code): row.amount
        for row in rows.select_related("cost_centre")
    }


def test_a_quarter_is_credited_in_full_and_billed_anew_to_the_cent(desk):
    wrong = post(desk, "NW-200", "30000", "6000")
    match_received()
    told = MatchException.objects.get()
    assert (told.code, told.expected, told.found, told.amount) == (
        "fee_mismatch",
        "28535.71",
        "30000",
        D("1464.29"),
    )

    # As long as the first bill stands, its corrected one is a second fee.
    with pytest.raises(ValidationError, match="billed already"):
        post(desk, "NW-202", "28535.71", "5707.14")
    post(desk, "NW-201", "-30000", "-6000", of=wrong)
    assert set(spent().values()) == {D(0)}

    right = post(desk, "NW-202", "28535.71", "5707.14")

    # Spread over three whole months: 9,511.91, 9,511.90 and 9,511.90.
    assert spent() == {
        (1, "RET"): D("6341.59"),
        (1, "LOG"): D("3170.32"),
        (2, "RET"): D("6341.58"),
        (2, "LOG"): D("3170.32"),
        (3, "RET"): D("6341.58"),
        (3, "LOG"): D("3170.32"),
    }
    # It is held against the terms as if the first bill had never been.
    match_received()
    right.refresh_from_db()
    assert right.status == InvoiceStatus.MATCHED
    approve_invoice(invoice=right, actor=make_user(Role.FINANCE))
    with pytest.raises(ValidationError, match="billed already"):
        post(desk, "NW-203", "28535.71", "5707.14")
    found = verify_ledger()
    assert (found.is_exact, found.total) == (True, D("28535.71"))
