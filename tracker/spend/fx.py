"""Exchange rates: the European Central Bank's, as CurrencyConverter ships them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from currency_converter import CurrencyConverter, RateNotFoundError
from django.conf import settings

from engagements.errors import TrackerError

SOURCE = "European Central Bank"
# Eight decimals, which is what a stored rate holds.
STEP = Decimal("0.00000001")


class MissingRateError(TrackerError):
    """No exchange rate is known for the currency and day."""


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency was worth in the reporting currency."""

    factor: Decimal
    rated_on: date
    source: str


@lru_cache(maxsize=1)
def _converter() -> CurrencyConverter:
    # A day without a rate takes that of the nearest earlier trading day.
    return CurrencyConverter(decimal=True, fallback_on_missing_rate=False)


@lru_cache(maxsize=4096)
def rate_on(currency: str, day: date) -> Rate:
    """Return the rate of the day, or of the last day before it that has one.

    Raises MissingRateError naming the currency.
    """
    reporting = settings.REPORTING_CURRENCY
    if currency == reporting:
        return Rate(Decimal(1), day, "same currency")
    converter = _converter()
    try:
        last = min(_last_day(currency), _last_day(reporting))
        first = max(_first_day(currency), _first_day(reporting))
    except KeyError as error:
        raise MissingRateError(
            f"No exchange rate for {error.args[0]}: choose another currency."
        ) from error
    if day < first:
        raise MissingRateError(
            f"No exchange rate from {currency} to {reporting} before {first}."
        )
    for rated_on in _days_back(min(day, last)):
        try:
            factor = Decimal(converter.convert(1, currency, reporting, date=rated_on))
        except RateNotFoundError:
            continue
        return Rate(factor.quantize(STEP), rated_on, SOURCE)
    raise MissingRateError(
        f"No exchange rate from {currency} to {reporting} within 30 days of {day}."
    )


def _days_back(day: date) -> list[date]:
    return [date.fromordinal(day.toordinal() - n) for n in range(30)]


def _last_day(currency: str) -> date:
    if currency == "EUR":
        return date.max
    last: date = _converter().bounds[currency].last_date
    return last


def _first_day(currency: str) -> date:
    if currency == "EUR":
        return date.min
    first: date = _converter().bounds[currency].first_date
    return first
