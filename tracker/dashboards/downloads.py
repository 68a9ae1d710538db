"""Reports as files: typed for a spreadsheet, and safe to open in one."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Protocol

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.dashboards.report import Column, ColumnKind, Report, Value

# Excel takes a file without it for one in the machine's old code page.
BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = frozenset("=+-@|\t\r\n")
# Never drawn, so that a formula may hide behind them.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
LINES_PER_CHUNK = 200


def safe_text(text: str) -> str:
    """Return text that no spreadsheet reads as a formula; an apostrophe marks it."""
    return f"'{text}" if _looks_like_formula(text) else text


def _looks_like_formula(text: str) -> bool:
    for character in unicodedata.normalize("NFKC", text):
        if character in FORMULA_STARTS:
            return True
        if unicodedata.category(character) not in INVISIBLE_CATEGORIES:
            return False
    return False


def plain(value: Value, kind: ColumnKind) -> str:
    """Return a value for a CSV cell: numbers bare, months and days in ISO form."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{shown_digits(value):f}"
    if isinstance(value, date):
        iso = value.isoformat()
        return iso[: len("2026-01")] if kind is ColumnKind.MONTH else iso
    if isinstance(value, int):
        return str(value)
    return safe_text(value)


def shown_digits(value: Decimal) -> Decimal:
    """Return the number with two decimals, or with more where it has them."""
    trimmed = value.normalize()
    exponent = trimmed.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        return trimmed
    return value.quantize(Decimal("0.01"))


def csv_lines(report: Report) -> Iterator[str]:
    """Yield the file in chunks of lines, reading the report's rows as it goes."""
    written: list[str] = [BYTE_ORDER_MARK]
    writer = csv.writer(_Collector(written))
    writer.writerow(safe_text(column.title) for column in report.columns)
    for number, row in enumerate(report.rows(), start=1):
        writer.writerow(
            plain(value, column.kind)
            for column, value in zip(report.columns, row.values, strict=True)
        )
        if number % LINES_PER_CHUNK == 0:
            yield "".join(written)
            written.clear()
    yield "".join(written)


class _Writable(Protocol):
    def write(self, text: str, /) -> object: ...


class _Collector:
    """Gathers what the csv writer writes."""

    def __init__(self, written: list[str]) -> None:
        self._written = written

    def write(self, text: str) -> None:
        self._written.append(text)


def xlsx_file(report: Report) -> bytes:
    """Return the workbook: numbers as numbers, dates as dates, text never a formula."""
    buffer = BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(buffer, options) as workbook:
        sheet = workbook.add_worksheet(report.title[:31])
        formats = {
            ColumnKind.MONEY: workbook.add_format({"num_format": "#,##0.00"}),
            ColumnKind.SHARE: workbook.add_format({"num_format": "0.0%"}),
            ColumnKind.MONTH: workbook.add_format({"num_format": "yyyy-mm"}),
            ColumnKind.DAY: workbook.add_format({"num_format": "yyyy-mm-dd"}),
        }
        head = workbook.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 0)
        _set_widths(sheet, report.columns)
        for index, column in enumerate(report.columns):
            sheet.write_string(0, index, column.title, head)
        for number, row in enumerate(report.rows(), start=1):
            for index, value in enumerate(row.values):
                kind = report.columns[index].kind
                _write(sheet, number, index, value, formats.get(kind))
    return buffer.getvalue()


def _set_widths(sheet: Worksheet, columns: Iterable[Column]) -> None:
    for index, column in enumerate(columns):
        is_wide = column.kind is ColumnKind.TEXT
        sheet.set_column(index, index, 28 if is_wide else 16)


def _write(
    sheet: Worksheet, line: int, index: int, value: Value, form: Format | None
) -> None:
    if value is None:
        return
    if isinstance(value, Decimal | int):
        sheet.write_number(line, index, value, form)
    elif isinstance(value, date):
        sheet.write_datetime(line, index, value, form)
    else:
        sheet.write_string(line, index, safe_text(value))
