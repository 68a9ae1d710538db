from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagements.values.money import (
    UnknownCurrencyError,
    allocate,
    currency_exponent,
    format_money,
    round_money,
)

CURRENCIES = st.sampled_from(["JPY", "EUR", "GBP", "KWD", "CLF"])


@pytest.mark.parametrize(
    ("currency", "exponent"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)]
)
def test_currency_exponent_is_that_of_iso_4217(currency: str, exponent: int) -> None:
    assert currency_exponent(currency) == exponent


def test_currency_exponent_names_an_unknown_currency() -> None:
    with pytest.raises(UnknownCurrencyError, match="“XXQ”"):
        currency_exponent("XXQ")


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("2.345", "EUR", "2.35"),
        ("-2.345", "EUR", "-2.35"),
        ("2.5", "JPY", "3"),
        ("1.23456", "CLF", "1.2346"),
    ],
)
def test_round_money_rounds_half_away_from_zero(
    amount: str, currency: str, rounded: str
) -> None:
    assert round_money(Decimal(amount), currency) == Decimal(rounded)


def test_allocate_gives_the_cent_that_is_left_to_the_largest_remainder() -> None:
    shares = [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    assert allocate(Decimal("100.00"), shares, "EUR") == [
        Decimal("33.33"),
        Decimal("33.33"),
        Decimal("33.34"),
    ]
    assert allocate(Decimal("0.01"), shares, "EUR") == [
        Decimal(0),
        Decimal(0),
        Decimal("0.01"),
    ]


def test_allocate_serves_equal_remainders_in_the_order_given() -> None:
    # 1⅓, ⅓ and ⅓ of a cent: as decimals of 28 digits their thirds would differ.
    weights = [Decimal(4), Decimal(1), Decimal(1)]

    assert allocate(Decimal("0.02"), weights, "EUR") == [
        Decimal("0.02"),
        Decimal(0),
        Decimal(0),
    ]


@settings(max_examples=10_000, deadline=None)
@given(
    units=st.integers(-(10**12), 10**12),
    weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any),
    currency=CURRENCIES,
)
def test_allocate_parts_sum_to_the_whole_and_stay_within_a_unit(
    units: int, weights: list[int], currency: str
) -> None:
    unit = Decimal(1).scaleb(-currency_exponent(currency))
    amount = units * unit
    decimals = [Decimal(weight) for weight in weights]

    parts = allocate(amount, decimals, currency)

    assert sum(parts) == amount
    assert parts == allocate(amount, decimals, currency)
    for part, weight in zip(parts, decimals, strict=True):
        assert abs(part - amount * weight / sum(decimals)) < unit


def test_allocate_refuses_weights_that_sum_to_nothing() -> None:
    with pytest.raises(ValueError, match="must sum to more than 0"):
        allocate(Decimal(1), [Decimal(0)], "EUR")


def test_allocate_refuses_a_fraction_of_the_smallest_unit() -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        allocate(Decimal("1.005"), [Decimal(1)], "EUR")


def test_format_money_speaks_the_locale() -> None:
    assert format_money(Decimal("1234.5"), "GBP") == "£1,234.50"
    assert format_money(Decimal("1234.5"), "EUR", "de_DE") == "1.234,50\xa0€"
    assert format_money(Decimal("1234.5"), "GBP", whole=True) == "£1,235"
