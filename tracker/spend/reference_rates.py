"""The European Central Bank's reference rates: units of a currency for one euro."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from currency_converter import CurrencyConverter

EURO = "EUR"
SOURCE = "European Central Bank"


class UnreadableRatesError(ValueError):
    """The text isn't a table of reference rates; the message says what is wrong."""


@dataclass(frozen=True)
class ReferenceRate:
    currency: str
    day: date
    per_euro: Decimal


def shipped_rate(currency: str, day: date) -> Decimal | None:
    """Return the rate of just this day, as the library's own file has it."""
    if currency == EURO:
        return Decimal(1)
    rate: Decimal | None = _rates(_shipped()).get(currency, {}).get(day)
    return rate


def shipped_span(currency: str) -> tuple[date, date] | None:
    """Return the first and the last day shipped; None for a currency without rates."""
    bounds = _shipped().bounds
    if bounds is None or currency not in bounds:
        return None
    return bounds[currency].first_date, bounds[currency].last_date


def last_shipped_day() -> date:
    span = shipped_span(EURO)
    return span[1] if span else date.min


def read_rates(lines: Iterable[str]) -> Iterator[ReferenceRate]:
    """Yield the rates of a file as the bank publishes it: `Date,USD,JPY,…`.

    Raises UnreadableRatesError; nothing is yielded then.
    """
    table = CurrencyConverter(currency_file=None, decimal=True)
    try:
        table.load_lines(lines)
    except (StopIteration, ValueError, InvalidOperation, IndexError) as error:
        raise UnreadableRatesError(
            "This is no table of reference rates: its first line is Date,USD,JPY,…"
            " and each later one a day with a rate for each."
        ) from error
    rates = [
        ReferenceRate(currency, day, rate)
        for currency, days in _rates(table).items()
        for day, rate in days.items()
        if rate is not None
    ]
    wrong = next(
        (r for r in rates if not r.per_euro.is_finite() or r.per_euro <= 0), None
    )
    if wrong:
        raise UnreadableRatesError(
            f"{wrong.currency} on {wrong.day}: {wrong.per_euro} can't be a rate."
        )
    return iter(rates)


@lru_cache(maxsize=1)
def _shipped() -> CurrencyConverter:
    return CurrencyConverter(decimal=True)


def _rates(table: CurrencyConverter) -> dict[str, dict[date, Decimal | None]]:
    # The library only converts; what it has read it keeps here.
    found: dict[str, dict[date, Decimal | None]] = table._rates
    return found
