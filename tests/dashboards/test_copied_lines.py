"""The ledger's CSV as PostgreSQL writes it is the one that the product writes."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.test import Client

from engagements.choices import Role
from tests.dashboards.spending import bill, make_paid_contract, pay
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.dashboards.reports.ledger_entries import LedgerEntries
from tracker.spend.models import LedgerEntry, Payment
from tracker.spend.services import post_payments, reverse

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)
ADDRESS = "/spend/ledger-entries.csv"
TEXTS = (
    "=1+1",
    "-2",
    "@sum",
    "plain",
    "Comma, and “quotes”",
    'He said "no"',
    "two\nlines",
    "ending\r",
    "\tTab",
    "\N{ZERO WIDTH SPACE}=1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "Énergie",
    "'quoted",
    r"\.",
    " leading",
    "\N{SNOWMAN}",
)


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def own():
    return make_department()


@pytest.fixture
def entries(own):
    """Post entries of every source, with texts that files have to be careful with."""
    for number, text in enumerate(TEXTS):
        vendor = make_vendor(legal_name=f"{text} Vendor {number}")
        centre = make_cost_centre(code=f"-{number}" if number % 2 else f"C{number}")
        split = {centre: Decimal(100)}
        contract = make_contract(
            title=text, vendor=vendor, cost_shares=split, department=own
        )
        pay(contract, f"{number}.10", OCTOBER)
        post_payments(payments=[_payment(contract, text, number)], actor=None)
    bill(contract, OCTOBER, [("one_off", "1234.56"), ("credit", "-0.01")])
    pay(make_assignment(currency="EUR"), "-20.21", OCTOBER)
    make_paid_contract("1000000", OCTOBER)
    reverse([LedgerEntry.objects.earliest("pk")])


def _payment(contract, text, number):
    return Payment(
        engagement=contract,
        vendor=contract.vendor,
        paid_on=OCTOBER,
        amount=Decimal(number + 1),
        currency=contract.currency,
        supplier_name=text,
        transaction_number=text[:60],
        source_key=f"copied:{number}",
        source_file=f"{text}.csv",
        source_line=number + 1,
        source_run="00000000-0000-0000-0000-000000000001",
    )


def lines_of(role: Role, address: str = ADDRESS, **fields) -> str:
    client = Client()
    client.force_login(make_user(role, **fields))
    response = client.get(address)
    assert response.status_code == 200
    return response.getvalue().decode()


def without_copying(monkeypatch):
    monkeypatch.setattr(LedgerEntries, "copied_lines", lambda self: None)


@pytest.mark.parametrize("query", ["", "?period=all&model=managed", "?basis=accrued"])
def test_copied_lines_are_those_written_one_by_one(entries, own, monkeypatch, query):
    # On SQLite both are written one by one.
    seen = [
        (Role.FINANCE, {}),
        (Role.FINANCE, {"language": "de"}),
        (Role.MANAGER, {"department": own}),
    ]
    address = f"{ADDRESS}{query}"
    copied = [lines_of(role, address, **more) for role, more in seen]

    without_copying(monkeypatch)

    assert copied == [lines_of(role, address, **more) for role, more in seen]
    if not query:
        rows = list(csv.reader(StringIO(copied[0], newline="")))
        assert len(rows) - 1 == LedgerEntry.objects.count()


def test_lines_are_the_readers_own_on_every_database(entries, own):
    everything = lines_of(Role.FINANCE)
    less = lines_of(Role.MANAGER, department=own)

    assert "1000000.00" in everything
    assert "1000000.00" not in less
    assert "'=1+1" in less
