"""Reports as files: typed for a spreadsheet, and safe to open in one."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import islice

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.dashboards.report import ColumnKind, Report, Value, file_columns
from tracker.imports.formulas import starts_formula

# Excel takes a file without it for one in the machine's old code page.
BYTE_ORDER_MARK = "\ufeff"
LINES_PER_CHUNK = 200
END_OF_LINE = "\r\n"
# What a line that the database wrote begins with; others with as many.
LOOK_AT_IT = b"1,"
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
    headings = [safe_text(column.heading) for _index, column in file_columns(report)]
    chunk = [BYTE_ORDER_MARK, _Lines().of(headings)]
    lines = _copied(report) or _written(report)
    while found := list(islice(lines, LINES_PER_CHUNK)):
        yield "".join([*chunk, *found])
        chunk = []
    yield "".join(chunk)


class _Lines:
    """Writes the cells of one line after another."""

    def __init__(self) -> None:
        self._written = ""
        self._writer = csv.writer(self, lineterminator=END_OF_LINE)

    def of(self, cells: Iterable[str]) -> str:
        self._writer.writerow(cells)
        return self._written

    def write(self, text: str) -> None:
        self._written = text


def _written(report: Report) -> Iterator[str]:
    lines, columns = _Lines(), file_columns(report)
    for row in report.ordered():
        yield lines.of(plain(row.values[i], column.kind) for i, column in columns)


def _copied(report: Report) -> Iterator[str] | None:
    rows = report.copied_lines()
    if rows is None:
        return None
    lines, columns = _Lines(), file_columns(report)
    is_text = [column.kind is ColumnKind.TEXT for _index, column in columns]
    return (_checked(row, lines, is_text) for row in rows)


def _checked(row: bytes, lines: _Lines, is_text: Sequence[bool]) -> str:
    """Return what the database wrote, its texts marked where it says to look at them.

    It begins a line with what it says of it, and ends it otherwise.
    """
    text = row[len(LOOK_AT_IT) : -1].decode()
    if not row.startswith(LOOK_AT_IT):
        return text + END_OF_LINE
    (cells,) = csv.reader(StringIO(text, newline=""))
    return lines.of(
        safe_text(cell) if may_compute else cell
        for cell, may_compute in zip(cells, is_text, strict=True)
    )


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
