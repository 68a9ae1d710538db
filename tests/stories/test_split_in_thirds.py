"""Three cost centres pay 33.33, 33.33 and 33.34 %: every cent lands somewhere.

| amount | A 33.33 % | B 33.33 % | C 33.34 % |
| ---: | ---: | ---: | ---: |
| GBP 1,000.00 | 333.30 | 333.30 | 333.40 |
| GBP 100.00 | 33.33 | 33.33 | 33.34 |
| GBP 0.02 | 0.01 | 0.00 | 0.01 |
| GBP 0.01 | 0.00 | 0.00 | 0.01 |
| GBP -50.00 | -16.66 | -16.67 | -16.67 |
| JPY 100 | 33 | 33 | 34 |
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engagements.models import ManagedContract
from tests.factories import make_contract, make_cost_centre
from tests.spend.test_ledger import bill
from tracker.spend.models import ExchangeRate, LedgerEntry, MonthlySpend
from tracker.spend.services import record_rate, reverse, verify_ledger

pytestmark = pytest.mark.django_db

SHARES = {"A": "33.33", "B": "33.33", "C": "33.34"}


def split_contract(**fields: Any) -> ManagedContract:
    shares = {
        make_cost_centre(code=code): Decimal(share) for code, share in SHARES.items()
    }
    return make_contract(starts_on=date(2026, 1, 1), cost_shares=shares, **fields)


def parts(field: str = "amount") -> list[Decimal]:
    rows = MonthlySpend.objects.order_by("cost_centre__code")
    return list(rows.values_list(field, flat=True))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1000.00", ["333.30", "333.30", "333.40"]),
        ("100.00", ["33.33", "33.33", "33.34"]),
        ("0.02", ["0.01", "0.00", "0.01"]),
        ("0.01", ["0.00", "0.00", "0.01"]),
        ("-50.00", ["-16.66", "-16.67", "-16.67"]),
    ],
)
def test_the_parts_are_the_whole(amount, expected):
    charge = "credit" if amount.startswith("-") else "recurring"
    bill(split_contract(), amount, charge_kind=charge)

    assert parts() == [Decimal(part) for part in expected]
    assert sum(parts()) == Decimal(amount)


def test_a_currency_without_cents_is_split_in_whole_units():
    rate = ExchangeRate(
        currency="JPY",
        quoted_in="GBP",
        day=date(2026, 1, 1),
        factor=Decimal("0.0053"),
        source="agreed",
    )
    record_rate(rate=rate, actor=None)

    bill(split_contract(currency="JPY"), "100")

    assert parts() == [Decimal(33), Decimal(33), Decimal(34)]
    # 100 yen are 0.53 pounds: told in pence, they too add up.
    assert parts("reporting_amount") == [
        Decimal("0.18"),
        Decimal("0.17"),
        Decimal("0.18"),
    ]


def test_twelve_months_of_a_fee_are_twelve_times_the_fee():
    contract = split_contract()
    for month in range(1, 10):
        period = (date(2026, month, 1), date(2026, month, 28))
        bill(contract, "99.99", number=f"M-{month}", period=period)

    by_centre = {
        code: sum(
            MonthlySpend.objects.filter(cost_centre__code=code).values_list(
                "amount", flat=True
            )
        )
        for code in SHARES
    }
    assert sum(by_centre.values()) == Decimal("99.99") * 9
    assert by_centre == {
        "A": Decimal("299.97"),
        "B": Decimal("299.97"),
        "C": Decimal("299.97"),
    }


def test_reversing_leaves_nothing_in_any_cost_centre():
    bill(split_contract(), "100.00")

    reverse(LedgerEntry.objects.all())

    assert parts() == [Decimal(0), Decimal(0), Decimal(0)]
    assert verify_ledger().roll_up_mismatches == []
