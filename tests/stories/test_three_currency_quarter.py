"""A quarter in three currencies, told in pounds at the rates of its own days.

| fee a month | January | February | March | quarter |
| --- | ---: | ---: | ---: | ---: |
| GBP 1,000.00 | 1,000.00 | 1,000.00 | 1,000.00 | 3,000.00 |
| EUR 1,234.56 | at 0.86: 1,061.72 | at 0.85: 1,049.38 | at 0.87: 1,074.07 | 3,185.17 |
| USD 2,000.10 | at 0.79: 1,580.08 | at 0.80: 1,600.08 | at 0.78: 1,560.08 | 4,740.24 |
| together | 3,641.80 | 3,649.46 | 3,634.15 | 10,925.41 |
"""

from datetime import date
from decimal import Decimal

import pytest

from engagements.choices import Role
from engagements.models import ManagedContract
from tests.factories import make_contract, make_user, make_vendor
from tests.spend.test_ledger import bill
from tracker.spend.models import ExchangeRate, LedgerEntry, MonthlySpend
from tracker.spend.queries import SpendWhere, spend_overview
from tracker.spend.services import change_rate, record_rate, verify_ledger

pytestmark = pytest.mark.django_db

MONTHS = [
    (date(2026, 1, 1), date(2026, 1, 31)),
    (date(2026, 2, 1), date(2026, 2, 28)),
    (date(2026, 3, 1), date(2026, 3, 31)),
]
FEES = {"GBP": "1000.00", "EUR": "1234.56", "USD": "2000.10"}
RATES = {"EUR": ["0.86", "0.85", "0.87"], "USD": ["0.79", "0.80", "0.78"]}


@pytest.fixture
def contracts() -> dict[str, ManagedContract]:
    """One vendor a currency, each billed its fee for three months."""
    for currency, factors in RATES.items():
        for (first, _last), factor in zip(MONTHS, factors, strict=True):
            rate = ExchangeRate(
                currency=currency,
                quoted_in="GBP",
                day=first,
                factor=Decimal(factor),
                source="Treasury's monthly rate",
            )
            record_rate(rate=rate, actor=None)
    found = {
        currency: make_contract(
            currency=currency,
            starts_on=date(2026, 1, 1),
            vendor=make_vendor(legal_name=f"Billed in {currency}"),
        )
        for currency in FEES
    }
    for currency, contract in found.items():
        for number, period in enumerate(MONTHS):
            fee = FEES[currency]
            bill(contract, fee, number=f"{currency}-{number}", period=period)
    return found


def test_each_month_is_told_at_its_own_rate(contracts):
    told = {
        currency: list(
            MonthlySpend.objects.filter(engagement=contract)
            .order_by("month")
            .values_list("reporting_amount", flat=True)
        )
        for currency, contract in contracts.items()
    }

    assert told == {
        "GBP": [Decimal("1000.00"), Decimal("1000.00"), Decimal("1000.00")],
        "EUR": [Decimal("1061.72"), Decimal("1049.38"), Decimal("1074.07")],
        "USD": [Decimal("1580.08"), Decimal("1600.08"), Decimal("1560.08")],
    }


def test_the_quarter_adds_up_by_month_and_by_vendor(contracts):
    quarter = SpendWhere(first_month=MONTHS[0][0], last_month=MONTHS[2][0])
    found = spend_overview(make_user(Role.FINANCE), quarter)

    assert [m.parts.total for m in found.months] == [
        Decimal("3641.80"),
        Decimal("3649.46"),
        Decimal("3634.15"),
    ]
    assert {v.name: v.parts.total for v in found.vendors} == {
        "Billed in USD": Decimal("4740.24"),
        "Billed in EUR": Decimal("3185.17"),
        "Billed in GBP": Decimal("3000.00"),
    }
    assert sum(m.parts.total for m in found.months) == Decimal("10925.41")


def test_every_entry_names_its_rate_its_day_and_its_source(contracts):
    entries = LedgerEntry.objects.filter(engagement=contracts["USD"]).order_by("month")

    assert [(e.amount, e.fx_rate, e.fx_on, e.fx_source) for e in entries] == [
        (Decimal("2000.10"), Decimal(rate), first, "Treasury's monthly rate")
        for (first, _last), rate in zip(MONTHS, RATES["USD"], strict=True)
    ]


def test_a_rate_corrected_afterwards_changes_nothing_that_is_posted(contracts):
    rate = ExchangeRate.objects.get(currency="USD", day=MONTHS[0][0])
    rate.factor = Decimal("0.99")

    change_rate(rate=rate, expected_version=rate.version, actor=None)

    january = LedgerEntry.objects.get(engagement=contracts["USD"], month=MONTHS[0][0])
    assert january.reporting_amount == Decimal("1580.08")
    assert verify_ledger().is_exact
