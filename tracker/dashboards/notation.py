"""How figures are written on a page: in the reader's locale, in one currency."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_compact_currency, format_decimal, format_percent

from engagements.values.money import format_money, with_sign

FALLBACK_LOCALE = "en_GB"
# Babel writes £1.2M in English; finance writes £1.2m.
ENGLISH_MAGNITUDES = str.maketrans({"K": "k", "M": "m", "B": "bn", "T": "tn"})
LATIN_LETTERS = "KMBT"
LONG_DIGITS = re.compile(r"\d{4}")
MAGNITUDE_AND_CODE = re.compile(r"(M)([A-Z]{3})$")
NOTHING = Decimal(0)
THOUSAND = Decimal(1000)
NEARLY_ALL = Decimal("0.995")
NINETY_NINE = Decimal("0.99")


@dataclass(frozen=True)
class Notation:
    """Writes amounts of `currency`, months and shares for readers of `locale`."""

    currency: str
    locale: str = FALLBACK_LOCALE

    @cached_property
    def _locale(self) -> Locale:
        try:
            return Locale.parse(self.locale, sep="_")
        except (UnknownLocaleError, ValueError):
            return Locale.parse(FALLBACK_LOCALE)

    @cached_property
    def _locale_name(self) -> str:
        return str(self._locale)

    def money(self, amount: Decimal, currency: str = "") -> str:
        written = format_money(amount, currency or self.currency, str(self._locale))
        return with_minus(written)

    def short(self, amount: Decimal) -> str:
        """Return three digits with their magnitude, such as £1.24m."""
        return with_minus(self._short(amount))

    def _short(self, amount: Decimal) -> str:
        rounded = _three_digits(amount)
        written = format_compact_currency(
            rounded, self.currency, locale=self._locale, fraction_digits=2
        )
        written = with_sign(written, self.currency, self._locale_name)
        if self._locale.language != "en":
            # Not every language has a magnitude for thousands, nor room before a code.
            if LONG_DIGITS.search(written):
                return format_money(
                    rounded, self.currency, str(self._locale), whole=True
                )
            return MAGNITUDE_AND_CODE.sub("\\1\N{NO-BREAK SPACE}\\2", written)
        if written[-1] not in LATIN_LETTERS:
            return written
        return written[:-1] + written[-1].translate(ENGLISH_MAGNITUDES)

    def percent(self, share: Decimal, digits: int = 0) -> str:
        pattern: str = self._locale.percent_formats[None].pattern
        if digits:
            pattern = pattern.replace("0", f"0.{'0' * digits}")
        return with_minus(format_percent(share, format=pattern, locale=self._locale))

    def chance(self, share: Decimal) -> str:
        """Return whole per cent, and never a certainty that rounding would claim."""
        if share > NEARLY_ALL:
            return f"> {self.percent(NINETY_NINE)}"
        if share < 1 - NEARLY_ALL:
            return f"< {self.percent(1 - NINETY_NINE)}"
        return self.percent(share)

    def count(self, number: int) -> str:
        return with_minus(format_decimal(number, locale=self._locale))

    def price(self, amount: Decimal) -> str:
        """Return an amount without its currency, with two decimals or more."""
        written = format_decimal(amount, format="#,##0.00##", locale=self._locale)
        return with_minus(written)

    def number(self, number: Decimal) -> str:
        return with_minus(
            format_decimal(number, locale=self._locale, decimal_quantization=False)
        )

    def day(self, day: date) -> str:
        return format_date(day, "medium", locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """Return the moment as it stands: in the zone that the caller gave it."""
        return f"{self.day(moment)}, {moment:%H:%M}"

    def month(self, month: date) -> str:
        return format_skeleton("yMMM", month, locale=self._locale)

    def month_name(self, month: date, *, with_year: bool = True) -> str:
        if with_year:
            return format_skeleton("yMMMM", month, locale=self._locale)
        return format_date(month, "LLLL", locale=self._locale)

    def month_tick(self, month: date) -> str:
        return format_date(month, "LLL", locale=self._locale)


@lru_cache(maxsize=8192)
def _money(amount: Decimal, currency: str, locale: str) -> str:
    return with_minus(format_money(amount, currency, locale))


def with_minus(written: str) -> str:
    """Return the number with a minus sign where it has a hyphen: as wide as digits."""
    return written.replace("-", "\N{MINUS SIGN}")


def _three_digits(amount: Decimal) -> Decimal:
    if abs(amount) < THOUSAND:
        return amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    step = Decimal(1).scaleb(amount.adjusted() - 2)
    return (amount / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step
