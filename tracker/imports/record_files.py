"""Records as files: what the list shows, and empty ones to fill in.

Both are written from the columns that imports read, so that what was exported and not
touched changes nothing when it is imported.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.imports.columns import Column, Form
from tracker.imports.formulas import with_mark
from tracker.imports.record_cells import joined
from tracker.imports.text_files import MOST_LINES_IN_A_CELL

Row = Mapping[str, Any]
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Excel takes a file without it for one in the machine's old code page.
_BYTE_ORDER_MARK = "\ufeff"
# Beyond so many digits a spreadsheet would round.
_DIGITS_OF_A_SHEET = 15
_LONGEST_IN_A_SHEET = 32_767
_WIDTHS = {Form.DAY: 12, Form.NUMBER: 14, Form.WHOLE: 10, Form.YES_NO: 10}
_TEXT_WIDTH = 24
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_file(
    file: IO[bytes], file_format: str, columns: Sequence[Column], rows: Iterable[Row]
) -> int:
    """Write the rows as they come; return how many there were."""
    if file_format == "xlsx":
        with Workbook(file, _OPTIONS) as workbook:
            return _write_sheet(workbook, columns, rows)
    return _write_csv(file, columns, rows)


def write_template(
    file: IO[bytes], file_format: str, columns: Sequence[Column]
) -> None:
    """Write the header with one example; a workbook explains each column too."""
    asked = [column for column in columns if not column.is_told_only]
    example = {column.name: _example(column) for column in asked}
    if file_format != "xlsx":
        _write_csv(file, asked, [example])
        return
    with Workbook(file, _OPTIONS) as workbook:
        _write_sheet(workbook, asked, [example])
        _write_explanations(workbook, asked)


def _example(column: Column) -> Any:
    text = column.example
    match column.form:
        case Form.DAY if text:
            return date.fromisoformat(text)
        case Form.NUMBER if text:
            return Decimal(text)
        case Form.WHOLE if text:
            return int(text)
        case _:
            return text


# --- CSV -----------------------------------------------------------------------------


def _write_csv(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Row]) -> int:
    def put(cells: Iterable[str]) -> None:
        writer.writerow(cells)
        file.write("".join(written).encode())
        written.clear()

    written: list[str] = [_BYTE_ORDER_MARK]
    writer = csv.writer(_Collector(written))
    put(column.label for column in columns)
    count = 0
    for row in rows:
        count += 1
        put(_in_csv(column, row.get(column.name)) for column in columns)
    return count


class _Collector:
    """Gathers what the csv writer writes."""

    def __init__(self, written: list[str]) -> None:
        self._written = written

    def write(self, text: str) -> None:
        self._written.append(text)


def _in_csv(column: Column, value: Any) -> str:
    text = _text(value)
    if column.form is Form.PROSE and text.count("\n") >= MOST_LINES_IN_A_CELL:
        # More lines in a cell are taken for a forgotten quotation mark.
        text = " ".join(text.split())
    return text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{_trimmed(value):f}"
        case date():
            return value.isoformat()
        case tuple():
            return joined(value)
        case str():
            return with_mark(value)
        case _:
            return str(value)


def _trimmed(number: Decimal) -> Decimal:
    """Return the number with two decimals, or with more where it has them."""
    trimmed = number.normalize()
    exponent = trimmed.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        return trimmed
    return number.quantize(Decimal("0.01"))


# --- XLSX ----------------------------------------------------------------------------


def _write_sheet(
    workbook: Workbook, columns: Sequence[Column], rows: Iterable[Row]
) -> int:
    sheet = workbook.add_worksheet("Records")
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    number = workbook.add_format({"num_format": "#,##0.00######"})
    formats = {Form.DAY: day, Form.NUMBER: number}
    _write_head(workbook, sheet, [column.label for column in columns])
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS.get(column.form, _TEXT_WIDTH))
    count = 0
    for count, row in enumerate(rows, start=1):
        for place, column in enumerate(columns):
            value = row.get(column.name)
            _write_cell(sheet, count, place, value, formats.get(column.form))
    return count


def _write_head(workbook: Workbook, sheet: Worksheet, labels: Sequence[str]) -> None:
    head = workbook.add_format({"bold": True, "bottom": 1})
    sheet.freeze_panes(1, 0)
    for place, label in enumerate(labels):
        sheet.write_string(0, place, label, head)


def _write_cell(
    sheet: Worksheet, line: int, place: int, value: Any, form: Format | None
) -> None:
    if isinstance(value, date):
        sheet.write_datetime(line, place, value, form)
    elif _is_exact_in_a_sheet(value):
        sheet.write_number(line, place, value, form)
    elif text := _text(value):
        sheet.write_string(line, place, text[:_LONGEST_IN_A_SHEET])


def _is_exact_in_a_sheet(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return len(Decimal(value).normalize().as_tuple().digits) <= _DIGITS_OF_A_SHEET


def _write_explanations(workbook: Workbook, columns: Sequence[Column]) -> None:
    sheet = workbook.add_worksheet("What goes where")
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    _write_head(
        workbook, sheet, ["Heading", "Must it be there", "What it holds", "As in"]
    )
    for place, width in enumerate((26, 30, 70, 26)):
        sheet.set_column(place, place, width)
    for line, column in enumerate(columns, start=1):
        cells = (column.label, _need(column), "\n".join(_told(column)), column.example)
        for place, text in enumerate(cells):
            sheet.write_string(line, place, with_mark(text), wrapped)


def _need(column: Column) -> str:
    if column.need:
        return column.need
    if column.is_needed:
        return "On a new record"
    if column.may_be_blank:
        return "No; a blank cell empties it"
    return "No; a blank cell leaves it"


def _told(column: Column) -> Iterator[str]:
    if column.help_text:
        yield column.help_text
    if column.model:
        yield f"Of {column.model} engagements only."
    if column.words:
        yield f"One of: {', '.join(column.words)}."
    forms = {
        Form.YES_NO: "yes or no.",
        Form.DAY: "A date, best as 2026-01-31.",
        Form.WHOLE: "A whole number.",
        Form.NUMBER: f"A number of at most {column.places} decimals.",
    }
    if column.form in forms:
        yield forms[column.form]
