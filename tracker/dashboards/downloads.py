"""Reports as files: typed for a spreadsheet, and safe to open in one."""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Protocol

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.dashboards.report import ColumnKind, Report, Value, file_columns
from tracker.imports.formulas import starts_formula

# Excel takes a file without it for one in the machine's old code page.
BYTE_ORDER_MARK = "\ufeff"
LINES_PER_CHUNK = 200
LONGEST_SHEET_NAME = 31
NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\]+")
NUMBER_FORMATS = {
    ColumnKind.MONEY: "#,##0.00",
    ColumnKind.PRICE: "#,##0.00##",
    ColumnKind.ESTIMATE: "#,##0.00",
    ColumnKind.SHARE: "0.0%",
    ColumnKind.CHANCE: '[>0.995]"> 99%";[<0.005]"< 1%";0%',
    ColumnKind.MONTH: "yyyy-mm",
    ColumnKind.DAY: "yyyy-mm-dd",
}
WIDTHS = {ColumnKind.TEXT: 28}
NUMBER_WIDTH = 16


def safe_text(text: str) -> str:
    """Return text that no spreadsheet reads as a formula; an apostrophe marks it."""
    return f"'{text}" if starts_formula(text) else text


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
    columns = file_columns(report)
    writer.writerow(safe_text(column.heading) for _index, column in columns)
    for number, row in enumerate(report.ordered(), start=1):
        writer.writerow(plain(row.values[i], column.kind) for i, column in columns)
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


def xlsx_file(reports: Sequence[Report]) -> bytes:
    """Return the workbook, a sheet for each report.

    Numbers are numbers, dates are dates, and text is never a formula.
    """
    buffer = BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(buffer, options) as workbook:
        taken: set[str] = set()
        for report in reports:
            _fill(workbook, report, _sheet_name(report.heading, taken))
    return buffer.getvalue()


def _sheet_name(title: str, taken: set[str]) -> str:
    """Return the title as a sheet may be called, once in the workbook; remember it."""
    plain_title = NOT_IN_A_SHEET_NAME.sub(" ", title).strip("' ")
    name, number = plain_title[:LONGEST_SHEET_NAME], 1
    while name.casefold() in taken:
        number += 1
        ending = f" {number}"
        name = plain_title[: LONGEST_SHEET_NAME - len(ending)] + ending
    taken.add(name.casefold())
    return name


def _fill(workbook: Workbook, report: Report, name: str) -> None:
    columns = file_columns(report)
    sheet = workbook.add_worksheet(name)
    formats = {
        kind: workbook.add_format({"num_format": form})
        for kind, form in NUMBER_FORMATS.items()
    }
    head = workbook.add_format({"bold": True, "bottom": 1})
    sheet.freeze_panes(1, 0)
    for place, (_index, column) in enumerate(columns):
        sheet.set_column(place, place, WIDTHS.get(column.kind, NUMBER_WIDTH))
        sheet.write_string(0, place, safe_text(column.heading), head)
    for line, row in enumerate(report.ordered(), start=1):
        for place, (index, column) in enumerate(columns):
            _write(sheet, line, place, row.values[index], formats.get(column.kind))


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
