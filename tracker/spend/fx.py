"""Exchange rates: a person's, the reference rates read since, or those shipped."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

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
# A rate given by hand serves the days after it up to this long; and of the days before
# the last reference rates, up to this many are looked through for one that has both.
REACH = timedelta(days=30)
# Reference rates come on every working day: a last one older than this is told.
OLD_AFTER = timedelta(days=10)

# Of one day: what each currency's unit count for one euro is.
PerEuro = dict[str, Decimal]


class MissingRateError(TrackerError):
    """No exchange rate is known for the currency and day, or one too old."""


@dataclass(frozen=True, order=True)
class OldRate:
    """A currency whose last known rate is of `days` before the day asked for."""

    currency: str
    rated_on: date
    days: int


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

    A rate entered by hand goes before a reference rate of the same day. A day to come
    takes the last rate there is. Raises MissingRateError naming the currency, also
    where the last rate is older than FX_OLDEST_DAYS.
    """
    reporting = settings.REPORTING_CURRENCY
    if currency == reporting:
        return Rate(Decimal(1), day, "same currency")
    found = [*_manual(currency, reporting, day), *_reference(currency, reporting, day)]
    if not found:
        raise _missing(currency, reporting, day)
    # Of two of one day, the one entered by hand stands first.
    last = max(found, key=lambda rate: rate.rated_on)
    if _age(last, day) > settings.FX_OLDEST_DAYS:
        raise _too_old(currency, reporting, day, last)
    return last


def _age(rate: Rate, day: date) -> int:
    """Return how many days before the day it is of; none can be of a day to come."""
    return (min(day, timezone.localdate()) - rate.rated_on).days


def old_rates(currencies: Iterable[str], *, day: date) -> list[OldRate]:
    """Return those of the currencies whose last rate before the day has grown old."""
    found = []
    for currency in sorted({*currencies} - {settings.REPORTING_CURRENCY}):
        try:
            rate = rate_on(currency, day)
        except MissingRateError:
            # It is refused wherever it is asked for, and told there.
            continue
        if _age(rate, day) > OLD_AFTER.days:
            found.append(OldRate(currency, rate.rated_on, _age(rate, day)))
    return found


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
    """Yield the rate over the euro, of the last day that has both.

    What has been read since is never passed over for what ships.
    """
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
    """Return the last rates read by then, however old they are."""
    quoted = [currency, reporting]
    rows = ExchangeRate.objects.filter(
        origin=RateOrigin.REFERENCE,
        currency=EURO,
        quoted_in__in=quoted,
        day__lte=day,
    ).order_by("-day")[: len(quoted) * REACH.days]
    found: dict[date, PerEuro] = {}
    for row in rows:
        found.setdefault(row.day, {EURO: Decimal(1)})[row.quoted_in] = row.factor
    return found


def _too_old(currency: str, reporting: str, day: date, last: Rate) -> MissingRateError:
    return MissingRateError(
        f"The last exchange rate from {currency} to {reporting} before {day} is of"
        f" {last.rated_on}, more than {settings.FX_OLDEST_DAYS} days old: enter one, or"
        " have newer ones read (FX_RATES_URL)."
    )


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
