from datetime import date
from decimal import Decimal

import pytest

from engagements.values.commitment import Price
from tracker.spend.commitment import Binding, commitment_of
from tracker.spend.earnings import AgreedCharge, Rate, Terms

JULY = date(2026, 7, 1)
END_OF_YEAR = date(2026, 12, 31)


def contract(**fields: object) -> Terms:
    fees = [Price(JULY, Decimal(3100))]
    values = {"currency": "GBP", "country": "GB", "first": JULY, "fees": fees}
    return Terms(**values | fields)  # type: ignore[arg-type]


def test_commitment_is_the_fees_to_the_exit_and_the_charge_for_leaving():
    found = commitment_of(
        Binding(contract(), JULY, date(2026, 8, 10), END_OF_YEAR, Decimal(500))
    )

    assert found.to_exit is not None
    assert [(part.code, part.amount) for part in found.to_exit.parts] == [
        ("month", Decimal(3100)),
        ("month", Decimal(1000)),
        ("exit_charge", Decimal(500)),
    ]
    assert found.amount == Decimal(4600)
    assert found.to_end is not None
    assert found.to_end.amount == Decimal(6 * 3100)


def test_commitment_that_runs_to_the_end_has_no_exit_charge():
    binding = Binding(contract(), JULY, END_OF_YEAR, END_OF_YEAR, Decimal(500))

    assert commitment_of(binding).amount == Decimal(6 * 3100)


def test_commitment_without_a_known_end_is_not_known():
    found = commitment_of(Binding(contract(), JULY, None, None))

    assert (found.amount, found.to_exit, found.to_end) == (None, None, None)


def test_notice_of_a_contractor_binds_by_planned_hours():
    terms = Terms(
        currency="GBP",
        country="GB",
        first=JULY,
        rates=[Rate(JULY, Decimal(80)), Rate(date(2026, 7, 13), Decimal(90))],
        weekly_hours=Decimal(40),
    )

    # 6 to 19 July: a week at either rate.
    found = commitment_of(Binding(terms, date(2026, 7, 6), date(2026, 7, 19), None))

    assert found.amount == Decimal(40 * 80 + 40 * 90)


@pytest.mark.parametrize(
    ("charge", "amount"),
    [
        (AgreedCharge("Go-live", "milestone", Decimal(50)), 3150),
        (AgreedCharge("Go-live", "milestone", Decimal(50), due_on=JULY), 3150),
        (AgreedCharge("Go-live", "milestone", Decimal(50), due_on=END_OF_YEAR), 3100),
        (AgreedCharge("Go-live", "milestone", Decimal(50), date(2026, 6, 1)), 3100),
    ],
)
def test_milestones_bind_until_they_are_accepted(charge, amount):
    terms = contract(charges=[charge])

    found = commitment_of(Binding(terms, JULY, date(2026, 7, 31), END_OF_YEAR))

    assert found.amount == amount
