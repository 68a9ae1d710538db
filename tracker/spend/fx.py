"""Exchange rates: a person's, the reference rates read since, or those shipped."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q

from engagements.errors import TrackerError
from engagements.services.reporting_currency import Rate
from tracker.spend.models import ExchangeRate, RateOrigin
from tracker.spend.reference_rates import (
    EURO,
    SOURCE,
    last_shipped_day,
    shipped_rate,
    shipped_span,
)

# Eight decimals, which is what a stored rate holds.
STEP = Decimal("0.00000001")
# A day without a rate takes that of an earlier day, up to this long before.
REACH = timedelta(days=30)

# Of one day: what each currency's unit count for one euro is.
PerEuro = dict[str, Decimal]


class MissingRateError(TrackerError):
    """No exchange rate is known for the currency and day."""


class Rates:
    """Rates asked for again and again, each looked up once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, date], Rate] = {}
        self._missing: set[tuple[str, date]] = set()

    def on(self, currency: str, day: date) -> Rate:
        """Return what `rate_on` returns, or raise what it raises."""
        if (currency, day) not in self._known:
            self._known[currency, day] = rate_on(currency, day)
        return self._known[currency, day]

    def has(self, currency: str, day: date) -> bool:
        """Whether a rate is known; of what has none, each is looked up once too."""
        if (currency, day) not in self._missing:
            try:
                self.on(currency, day)
            except MissingRateError:
                self._missing.add((currency, day))
        return (currency, day) not in self._missing


def rate_on(currency: str, day: date) -> Rate:
    """Return the rate of the day, or of the last day before it that has one.

    A rate entered by hand goes before a reference rate of the same day. Raises
    MissingRateError naming the currency.
    """
    reporting = settings.REPORTING_CURRENCY
    if currency == reporting:
        return Rate(Decimal(1), day, "same currency")
    found = [*_manual(currency, reporting, day), *_reference(currency, reporting, day)]
    if not found:
        raise _missing(currency, reporting, day)
    # Of two of one day, the one entered by hand stands first.
    return max(found, key=lambda rate: rate.rated_on)


def _manual(currency: str, reporting: str, day: date) -> Iterator[Rate]:
    """Yield the latest rate that a person gave between the two, either way round."""
    pair = Q(currency=currency, quoted_in=reporting) | Q(
        currency=reporting, quoted_in=currency
    )
    row = (
        ExchangeRate.objects.filter(
            pair, origin=RateOrigin.MANUAL, day__range=(day - REACH, day)
        )
        .order_by("-day", "-pk")
        .first()
    )
    if row is not None:
        factor = row.factor if row.currency == currency else 1 / row.factor
        yield Rate(factor.quantize(STEP), row.day, row.source)


def _reference(currency: str, reporting: str, day: date) -> Iterator[Rate]:
    """Yield the rate over the euro, of the last day that has both."""
    stored = _stored(currency, reporting, day)
    # What ships ends with the library's release: its last rates serve until others
    # are read.
    last = max([*stored, min(day, last_shipped_day())])
    for back in range(REACH.days + 1):
        rated_on = last - timedelta(days=back)
        per_euro = stored.get(rated_on, {})
        worth = per_euro.get(currency) or shipped_rate(currency, rated_on)
        wanted = per_euro.get(reporting) or shipped_rate(reporting, rated_on)
        if worth is not None and wanted is not None:
            yield Rate((wanted / worth).quantize(STEP), rated_on, SOURCE)
            return


def _stored(currency: str, reporting: str, day: date) -> dict[date, PerEuro]:
    rows = ExchangeRate.objects.filter(
        origin=RateOrigin.REFERENCE,
        currency=EURO,
        quoted_in__in=[currency, reporting],
        day__range=(day - REACH, day),
    )
    found: dict[date, PerEuro] = {}
    for row in rows:
        found.setdefault(row.day, {EURO: Decimal(1)})[row.quoted_in] = row.factor
    return found


def _missing(currency: str, reporting: str, day: date) -> MissingRateError:
    unknown = [code for code in (currency, reporting) if shipped_span(code) is None]
    if unknown:
        return MissingRateError(
            f"No exchange rate for {unknown[0]}: enter one for {day} or shortly before,"
            " or choose another currency."
        )
    return MissingRateError(
        f"No exchange rate from {currency} to {reporting} on {day} or in the"
        f" {REACH.days} days before: enter one."
    )
