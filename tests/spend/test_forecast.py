from datetime import date
from decimal import Decimal

import pytest

from engagements.values.commitment import Price
from engagements.values.periods import add_months
from tracker.spend.earnings import AgreedCharge, Rate, Terms
from tracker.spend.forecast import Outlook, forecast_of, percentile, variation_of

JANUARY, JULY = date(2026, 1, 1), date(2026, 7, 1)
TODAY = date(2026, 7, 10)
DECEMBER = date(2026, 12, 1)


def contract(**fields: object) -> Terms:
    fees = [Price(JANUARY, Decimal(3100))]
    values = {"currency": "GBP", "country": "GB", "first": JANUARY, "fees": fees}
    return Terms(**values | fields)  # type: ignore[arg-type]


def test_month_under_way_is_accrued_to_date_and_the_days_that_remain():
    outlook = Outlook(contract(), TODAY, accrued={JULY: Decimal(1000)})

    month = forecast_of(outlook, JULY, JULY).months[0]

    assert [(part.code, part.amount) for part in month.part.parts] == [
        ("actual", 0),
        ("accrued", Decimal(1000)),
        ("remaining", Decimal(2100)),
    ]
    assert month.amount == Decimal(3100)


def test_month_invoiced_ahead_is_not_planned_again():
    outlook = Outlook(
        contract(), TODAY, actual={JULY: Decimal(3100)}, ahead={JULY: Decimal(2100)}
    )

    assert forecast_of(outlook, JULY, JULY).months[0].amount == Decimal(3100)


def test_plan_stops_with_the_contract():
    terms = contract(last=date(2026, 8, 10))

    months = forecast_of(Outlook(terms, TODAY), JULY, date(2026, 9, 1)).months

    assert [one.amount for one in months] == [2100, 1000, 0]


def test_planned_hours_count_by_working_days():
    terms = Terms(
        currency="GBP",
        country="DE",
        first=JANUARY,
        rates=[Rate(JANUARY, Decimal(80))],
        weekly_hours=Decimal(40),
    )

    may = forecast_of(
        Outlook(terms, date(2026, 4, 30)), date(2026, 5, 1), date(2026, 5, 1)
    ).months[0]

    # 21 weekdays, three of them holidays in Germany.
    assert may.amount == Decimal(18 * 8 * 80)


def test_milestone_is_expected_on_its_day():
    charge = AgreedCharge("Go-live", "milestone", Decimal(500), due_on=date(2026, 8, 3))
    terms = contract(charges=[charge])

    months = forecast_of(Outlook(terms, TODAY), JULY, date(2026, 8, 1)).months

    assert [one.amount for one in months] == [2100, 3600]


def test_range_is_that_of_the_past_months_beside_their_plan():
    spent = {
        add_months(JANUARY, n): Decimal(3100) * share / 100
        for n, share in enumerate([90, 100, 100, 100, 100, 120])
    }
    outlook = Outlook(contract(), TODAY, actual=spent)

    found = forecast_of(outlook, DECEMBER, DECEMBER)

    assert found.variation.months == 6
    assert (found.variation.low, found.variation.high) == (
        Decimal("0.95"),
        Decimal("1.1"),
    )
    assert found.between(DECEMBER, DECEMBER) == (
        Decimal("2945"),
        Decimal("3100"),
        Decimal("3410"),
    )


def test_range_holds_the_plan_where_the_past_was_always_above_it():
    spent = {add_months(JANUARY, n): Decimal(3410) for n in range(6)}

    found = forecast_of(Outlook(contract(), TODAY, actual=spent), DECEMBER, DECEMBER)

    assert found.between(DECEMBER, DECEMBER) == (3100, 3100, 3410)


def test_two_months_tell_no_range():
    outlook = Outlook(contract(first=date(2026, 5, 1)), TODAY)

    assert variation_of(outlook).low is None
    assert forecast_of(outlook, DECEMBER, DECEMBER).months[0].low is None


@pytest.mark.parametrize(
    ("share", "value"), [("0", 1), ("0.5", 2.5), ("0.9", 3.7), ("1", 4)]
)
def test_percentile_lies_between_its_neighbours(share, value):
    values = [Decimal(n) for n in (4, 1, 3, 2)]

    assert percentile(values, Decimal(share)) == Decimal(str(value))
