"""Text of a cell to what its column holds; what is doubtful is refused."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engagements.values.money import UnknownCurrencyError, currency_exponent
from tracker.imports.columns import Column, Form
from tracker.imports.formulas import starts_formula, with_mark, without_mark
from tracker.imports.parsing import (
    DateOrderEvidence,
    DateReading,
    Unreadable,
    date_order_of,
    is_no_date,
    parse_amount,
    parse_date,
    parse_words,
)

Cell = str | bool | int | Decimal | date | tuple[str, ...]
# Contracts run further ahead than payments; years beyond are slips of the pen.
LATEST = date(2099, 12, 31)
_MOST_WHOLE = 32_767
_ANY_LENGTH = 10_000_000
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True)
class CellReading:
    """How the cells of one file are read: what its dates prove, what was said."""

    dates: DateReading
    # Whether the file, or a person, says which of day and month stands first.
    is_order_known: bool = True
    decimal_comma: bool = False


def reading_of(
    dates: Sequence[str], *, date_format: str = "", decimal_comma: bool = False
) -> CellReading:
    evidence = date_order_of(dates)
    return CellReading(
        DateReading(evidence.order, LATEST, date_format),
        is_order_known=bool(date_format) or evidence.is_proved,
        decimal_comma=decimal_comma,
    )


def parse_cell(column: Column, text: str, reading: CellReading) -> Cell | None:
    """Return the cell's value, None for a blank one. Raises Unreadable."""
    if not text.strip():
        return None
    return _PARSERS[column.form](column, text, reading)


def same_text(text: str) -> str:
    """Return text as it is compared: however its lines and spaces are laid out."""
    try:
        return parse_words(text, longest=_ANY_LENGTH)
    except Unreadable:
        return text


def joined(texts: Sequence[str]) -> str:
    """Return a list as one cell, which is read back as the same list."""
    return "; ".join(_quoted(with_mark(text)) for text in texts)


def _quoted(text: str) -> str:
    if ";" not in text and '"' not in text:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _plain(text: str, longest: int) -> str:
    stripped = text.strip()
    if starts_formula(stripped):
        raise Unreadable(
            "begins like a formula",
            "Correct it; if the text is meant so, put an apostrophe before it.",
        )
    return parse_words(without_mark(stripped), longest=longest)


def _text(column: Column, text: str, _reading: CellReading) -> str:
    return _plain(text, column.longest)


def _prose(column: Column, text: str, _reading: CellReading) -> str:
    lines = text.strip().splitlines()
    first = _plain(lines[0], column.longest)
    rest = [parse_words(line, longest=column.longest) for line in lines[1:]]
    prose = "\n".join([first, *rest])
    if len(prose) > column.longest:
        raise Unreadable(
            f"has {len(prose):,} characters",
            f"Shorten it to at most {column.longest:,}.",
        )
    return prose


def _currency(_column: Column, text: str, _reading: CellReading) -> str:
    code = text.strip().upper()
    try:
        currency_exponent(code)
    except UnknownCurrencyError as error:
        raise Unreadable(
            "is no currency code", "Use an ISO 4217 code such as GBP."
        ) from error
    return code


def _country(_column: Column, text: str, _reading: CellReading) -> str:
    code = text.strip().upper()
    if not _COUNTRY.fullmatch(code):
        raise Unreadable("is no country code", "Use two letters such as GB.")
    return code


def _word(column: Column, text: str, _reading: CellReading) -> str:
    word = re.sub(r"[\s-]+", "_", text.strip().casefold())
    if word not in column.words:
        raise Unreadable("is no word for this", f"Use {_either(column.words)}.")
    return word


def _either(words: Sequence[str]) -> str:
    shown = [word.replace("_", " ") for word in words]
    return f"{', '.join(shown[:-1])} or {shown[-1]}"


def _yes_no(_column: Column, text: str, _reading: CellReading) -> bool:
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise Unreadable("is neither yes nor no", "Write yes or no.")
    return word in _YES


def _whole(_column: Column, text: str, reading: CellReading) -> int:
    number = _amount(text, 0, reading)
    if not 0 <= number <= _MOST_WHOLE:
        raise Unreadable(
            "is out of range", f"Give a whole number from 0 to {_MOST_WHOLE:,}."
        )
    return int(number)


def _number(column: Column, text: str, reading: CellReading) -> Decimal:
    number = _amount(text, column.places, reading)
    if number < 0:
        raise Unreadable("is negative", "Give 0 or more.")
    return number


def _amount(text: str, places: int, reading: CellReading) -> Decimal:
    return parse_amount(text, decimals=places, decimal_comma=reading.decimal_comma)


def _day(_column: Column, text: str, reading: CellReading) -> date:
    if is_no_date(text):
        raise Unreadable(
            "is no date that can be read", "Write it as 2026-01-31, or leave it blank."
        )
    if not reading.is_order_known:
        evidence = DateOrderEvidence()
        evidence.add(text)
        if evidence.either:
            raise Unreadable(
                "can be read day first and month first",
                "Write it as 2026-01-31, or say how all dates are written with"
                " --date-format.",
            )
    return parse_date(text, reading.dates)


def _list(column: Column, text: str, _reading: CellReading) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([text], delimiter=";", skipinitialspace=True))
    except (csv.Error, StopIteration) as error:
        raise Unreadable(
            "is no list that can be read", "Put a semicolon between the names."
        ) from error
    found = (_plain(cell, column.longest) for cell in cells if cell.strip())
    return tuple(dict.fromkeys(found))


_PARSERS: Mapping[Form, Callable[[Column, str, CellReading], Cell]] = {
    Form.TEXT: _text,
    Form.PROSE: _prose,
    Form.CURRENCY: _currency,
    Form.COUNTRY: _country,
    Form.WORD: _word,
    Form.YES_NO: _yes_no,
    Form.WHOLE: _whole,
    Form.NUMBER: _number,
    Form.DAY: _day,
    Form.LIST: _list,
}
