"""Text of a cell to a date, an amount or clean words; what is doubtful is refused."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

DateOrder = Literal["day_first", "month_first"]
# Payments before computers, or far ahead, are slips of the pen.
EARLIEST = date(1990, 1, 1)
# One payment above this is a slip of the pen too; the database would hold 1,000 of it.
LARGEST_AMOUNT = Decimal("999999999999.99")


class Unreadable(ValueError):  # noqa: N818 - a finding about a cell, not a failure
    """The text can't be taken for what it should be; with what to do about it."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


# --- words ---------------------------------------------------------------------------

_REFUSED_CHARACTERS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u202a-\u202e\u2066-\u2069]"
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def parse_words(text: str, *, longest: int) -> str:
    """Return the text with single spaces and no padding.

    Refuses control characters, halves of surrogate pairs and marks that turn the
    direction of writing; characters without any width are left out.
    """
    if _REFUSED_CHARACTERS.search(text):
        raise Unreadable(
            "holds a control character", "Remove it; retype the cell if need be."
        )
    words = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
    if len(words) > longest:
        raise Unreadable(
            f"has {len(words):,} characters", f"Shorten it to at most {longest}."
        )
    return words


# --- amounts -------------------------------------------------------------------------

_NUMBER = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?|\.(\d+)")
_SIGNS = re.compile(r"[£$€¥]|\b(?:GBP|EUR|USD)\b", re.IGNORECASE)
_SPACE_IN_NUMBER = re.compile(r"(?<=\d)\s(?=\d)")
_SCIENTIFIC = re.compile(r"[+-]?[\d.,]+e[+-]?\d+", re.IGNORECASE)
_LOOKS_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})*,\d{1,2}")
_MINUSES = dict.fromkeys(map(ord, "\u2212\u2013\u2010\u2011\ufe63\uff0d"), "-")
# Numbers of a spreadsheet carry 15 digits; more are residue of binary arithmetic.
_DIGITS_OF_A_SHEET = 15


def parse_amount(
    text: str, *, decimals: int = 2, decimal_comma: bool = False
) -> Decimal:
    """Return the amount, exact to `decimals`; 1,234.50, (12.00), 12.00-, £5 are read.

    Raises Unreadable for anything that could be read in two ways.
    """
    plain = text.strip()[:400].translate(_MINUSES)
    if not plain:
        raise Unreadable("is blank", "Give the amount paid; a refund is negative.")
    bare, negative = _without_sign(_SIGNS.sub("", plain))
    if _SCIENTIFIC.fullmatch(bare):
        raise Unreadable(
            "is in scientific notation, which may have lost digits",
            "Format the column as a number with two decimals.",
        )
    if decimal_comma:
        bare = bare.translate({ord("."): ",", ord(","): "."})
    bare = _SPACE_IN_NUMBER.sub(",", bare)
    if not _NUMBER.fullmatch(bare) or not bare.isascii():
        raise Unreadable("is no amount that can be read", _amount_advice(bare))
    amount = _to_decimals(Decimal(bare.replace(",", "")), decimals)
    if amount > LARGEST_AMOUNT:
        raise Unreadable("is too large", f"Give at most {LARGEST_AMOUNT:,}.")
    return -amount if negative and amount else amount


def _without_sign(text: str) -> tuple[str, bool]:
    bare = text.strip()
    if bare.startswith("(") and bare.endswith(")"):
        return bare[1:-1].strip(), True
    if bare.upper().endswith("CR"):
        return bare[:-2].strip(), True
    if bare.endswith("-") and not bare.startswith("-"):
        return bare[:-1].strip(), True
    if bare.startswith("-"):
        return bare[1:].strip(), True
    return bare.removeprefix("+").strip(), False


def _amount_advice(text: str) -> str:
    if _LOOKS_EUROPEAN.fullmatch(text):
        return "Where a comma stands before the cents, say --decimal-comma."
    return "Write it with digits and a point, such as 1234.50."


def _to_decimals(amount: Decimal, decimals: int) -> Decimal:
    step = Decimal(1).scaleb(-decimals)
    digits = amount.as_tuple().digits
    if len(digits) > 40:
        raise Unreadable("has too many digits", "Check the amount.")
    if len(digits) > _DIGITS_OF_A_SHEET and amount % step:
        shift = amount.adjusted() - _DIGITS_OF_A_SHEET + 1
        amount = amount.quantize(Decimal(1).scaleb(shift))
    if amount % step:
        raise Unreadable(
            f"has more than {decimals} decimals",
            "Round it to the currency's smallest unit.",
        )
    return amount.quantize(step)


# --- dates ---------------------------------------------------------------------------

_TIME = (
    r"(?:[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
    r"(?:\s*[AaPp][Mm])?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _TIME, re.ASCII)
_YEAR_LAST = re.compile(
    r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})" + _TIME, re.ASCII
)
_EIGHT_DIGITS = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?", re.ASCII)
_NO_DATE = re.compile(
    r"(?:0{1,2}:0{2}(?::0{2})?|0+|0{1,2}/0?1/1900|1900-01-0[01]|n/?a|none|null|nil|-+)"
    r"(?:[T\s]+00:00(?::00)?)?",
    re.IGNORECASE,
)
_MONTH_FORMATS = (
    "%d %b %Y",
    "%d %B %Y",
    "%d %b %y",
    "%d %B %y",
    "%b %d %Y",
    "%B %d %Y",
)
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[\s,]+", re.IGNORECASE)
# Day 0 of spreadsheets, as seen from any day after February 1900.
_SHEET_EPOCH = date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 32874, 73050  # 1990 and 2099
_DATE_ADVICE = "Write it as 2014-05-31 or 31/05/2014."


@lru_cache(maxsize=8192)
def is_no_date(text: str) -> bool:
    """Whether the text is what spreadsheets leave where no date was given."""
    stripped = text.strip()
    return not stripped or _NO_DATE.fullmatch(stripped) is not None


@dataclass
class DateOrderEvidence:
    """How many dates of a column can only be read in one order."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0

    def add(self, text: str) -> None:
        match = _YEAR_LAST.fullmatch(text.strip())
        if match is None:
            return
        first, second = int(match[1]), int(match[2])
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first != second:
            self.either += 1

    @property
    def order(self) -> DateOrder:
        if self.month_first and not self.day_first:
            return "month_first"
        return "day_first"

    @property
    def is_proved(self) -> bool:
        return not self.either or bool(self.day_first) != bool(self.month_first)


def date_order_of(texts: Iterable[str]) -> DateOrderEvidence:
    """Return what a column of dates says about the order of day and month."""
    evidence = DateOrderEvidence()
    for text in texts:
        evidence.add(text)
    return evidence


class DateReading(NamedTuple):
    """How dates are read: by an explicit format, else in an order; and the last one."""

    order: DateOrder
    latest: date
    explicit_format: str = ""


def parse_date(text: str, reading: DateReading) -> date:
    """Return the day, without its time. Raises Unreadable."""
    stripped = " ".join(text.split())
    if is_no_date(stripped):
        raise Unreadable(
            "has no date",
            "Give the day it was paid, or a day for all such lines (--undated-on).",
        )
    day = _day(stripped, reading)
    if not EARLIEST <= day <= reading.latest:
        raise Unreadable(
            f"is {day.isoformat()}, which can't be right",
            f"Dates run from {EARLIEST.isoformat()} to {reading.latest.isoformat()}.",
        )
    return day


def _day(text: str, reading: DateReading) -> date:
    if reading.explicit_format:
        return _by_format(text, reading.explicit_format)
    if match := _YEAR_FIRST.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text):
        return _of(int(match[1]), int(match[2]), int(match[3]))
    if match := _YEAR_LAST.fullmatch(text):
        return _in_order(match, reading.order)
    if match := _SERIAL.fullmatch(text):
        return _from_serial(int(match[1]))
    return _with_month_name(text)


def _by_format(text: str, explicit_format: str) -> date:
    try:
        return datetime.strptime(text, explicit_format).date()  # noqa: DTZ007 - a day
    except ValueError as error:
        raise Unreadable(
            f"is not written as {explicit_format}",
            "Correct it, or the --date-format.",
        ) from error


def _in_order(match: re.Match[str], order: DateOrder) -> date:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if len(match[3]) == 2:
        year += 2000 if year < 70 else 1900
    day, month = (first, second) if order == "day_first" else (second, first)
    if month > 12 >= day:
        raise Unreadable(
            "has day and month the other way round from the rest of the file",
            "Correct it, or say how all dates are written with --date-format.",
        )
    return _of(year, month, day)


def _from_serial(serial: int) -> date:
    if not _FIRST_SERIAL <= serial <= _LAST_SERIAL:
        raise Unreadable("is no date that can be read", _DATE_ADVICE)
    return _SHEET_EPOCH + timedelta(days=serial)


def _with_month_name(text: str) -> date:
    bare = re.sub(_TIME + r"\Z", "", _WEEKDAY.sub("", text))
    words = re.sub(r"[-/.,\s]+", " ", _ORDINAL.sub(r"\1", bare)).strip()
    words = re.sub(r"\bSept\b", "Sep", words, flags=re.IGNORECASE)
    for pattern in _MONTH_FORMATS:
        try:
            return datetime.strptime(words, pattern).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    raise Unreadable("is no date that can be read", _DATE_ADVICE)


def _of(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unreadable("is no day of the calendar", _DATE_ADVICE) from error
