"""Amounts in the currency that all spend is also told in.

The records of what was agreed know of no exchange rates; what does registers here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from engagements.errors import TrackerError
from engagements.values.money import round_money


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in the reporting currency."""

    factor: Decimal
    rated_on: date
    source: str


@dataclass(frozen=True)
class Worth:
    """An amount in the reporting currency, and by which rate it became that."""

    amount: Decimal
    currency: str
    rate: Rate


# Returns the rate of a currency on a day; raises TrackerError naming the currency.
Rates = Callable[[str, date], Rate]

_RATES: list[Rates] = []


def rates_from(rates: Rates) -> Rates:
    """Register where rates come from; the last one registered counts."""
    _RATES[:] = [rates]
    return rates


def worth(*, amount: Decimal, currency: str, on: date) -> Worth:
    """Return the amount in the reporting currency at the day's rate.

    Raises TrackerError naming the currency where no rate is known.
    """
    reporting: str = settings.REPORTING_CURRENCY
    rate = _rate(currency, reporting, on)
    return Worth(round_money(amount * rate.factor, reporting), reporting, rate)


def _rate(currency: str, reporting: str, on: date) -> Rate:
    if currency == reporting:
        return Rate(Decimal(1), on, "same currency")
    if not _RATES:
        raise TrackerError(
            _("No exchange rate for %(currency)s: choose another currency.")
            % {"currency": currency}
        )
    return _RATES[0](currency, on)
