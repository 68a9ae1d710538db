"""Amounts of money: rounding, allocation, formatting, by the currency's rules."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from math import floor

import moneyed
from babel.core import Locale
from babel.numbers import format_currency, get_currency_symbol

from engagements.values import language


class UnknownCurrencyError(ValueError):
    """The code is not an ISO 4217 currency."""


@cache
def currency_exponent(currency: str) -> int:
    """Return how many decimals the currency's smallest unit has (JPY 0, EUR 2)."""
    try:
        sub_unit: int = moneyed.get_currency(currency).sub_unit
    except moneyed.CurrencyDoesNotExist as error:
        raise UnknownCurrencyError(
            f"“{currency}” is not a currency; use an ISO 4217 code such as GBP."
        ) from error
    return len(str(sub_unit)) - 1


@cache
def minor_unit(currency: str) -> Decimal:
    """Return the currency's smallest unit, such as 0.01 for EUR."""
    return Decimal(1).scaleb(-currency_exponent(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half away from zero to the currency's smallest unit."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def allocate(
    amount: Decimal, weights: Sequence[Decimal], currency: str
) -> list[Decimal]:
    """Split `amount` by `weights` so that the parts sum to it exactly.

    Largest remainder: each part is less than one minor unit from its exact share;
    equal remainders are served in the order given. `amount` must be a whole number
    of minor units. Raises ValueError where it isn't, or where the weights are
    negative or sum to nothing.
    """
    unit = minor_unit(currency)
    units = amount / unit
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is not a whole number of {unit} {currency}.")
    total = sum(weights, Decimal(0))
    if total <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("Weights must not be negative and must sum to more than 0.")
    if len(weights) == 1:
        return [amount]
    # As fractions: rounded quotients would call equal remainders different.
    whole, of = Fraction(units), Fraction(total)
    exact = [whole * Fraction(weight) / of for weight in weights]
    parts = [floor(share) for share in exact]
    left = int(units) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[:left]:
        parts[index] += 1
    return [part * unit for part in parts]


def format_money(
    amount: Decimal, currency: str, locale: str = "", *, whole: bool = False
) -> str:
    """Return the amount as a person of the locale, or the reader, writes it.

    `whole` drops cents.
    """
    locale = locale or language.locale()
    if whole:
        written = format_currency(
            amount.quantize(Decimal(1), rounding=ROUND_HALF_UP),
            currency,
            format=_whole_pattern(locale),
            locale=locale,
            currency_digits=False,
        )
    else:
        written = format_currency(amount, currency, locale=locale)
    return with_sign(written, currency, locale)


def with_sign(written: str, currency: str, locale: str) -> str:
    """Return the amount with the currency's sign for its code, where it has one.

    Some languages have no sign for most currencies of others: Spanish writes 5 GBP,
    which takes a third of a table's width. A sign that several have is none.
    """
    sign = _sign(currency, locale)
    return written.replace(currency, sign) if sign else written


@cache
def _sign(currency: str, locale: str) -> str:
    own: str = get_currency_symbol(currency, locale)
    sign: str = get_currency_symbol(currency, "en")
    is_one = len(sign) == 1 and sign != "$"
    return sign if own == currency and is_one else ""


@cache
def _whole_pattern(locale: str) -> str:
    standard: str = Locale.parse(locale).currency_formats["standard"].pattern
    return standard.replace(".00", "")
