import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from engagements.models import User
from tracker.dashboards.downloads import csv_lines, plain, safe_text, xlsx_file
from tracker.dashboards.notation import Notation
from tracker.dashboards.periods import Period
from tracker.dashboards.report import Column, ColumnKind, Report, Row
from tracker.dashboards.scope import Scope
from tracker.spend.queries import SpendWhere

SCOPE = Scope(User(), SpendWhere(), Period(), Notation("GBP"))


class Sample(Report):
    title = "A report whose title is longer than a sheet's"
    noun = "rows"
    columns = (
        Column("Vendor"),
        Column("Only on the page", in_file=False),
        Column("Month", ColumnKind.MONTH),
        Column("Day", ColumnKind.DAY),
        Column("Amount", ColumnKind.MONEY, is_summed=True),
        Column("Share", ColumnKind.SHARE),
        Column("Line", ColumnKind.COUNT),
    )

    def rows(self) -> Iterator[Row]:
        day = date(2026, 10, 5)
        yield Row(("Calder", "x", day, day, Decimal("-1234.5000"), Decimal(1) / 3, 7))
        yield Row(("=1+1", "x", day, day, Decimal("0.0001"), None, None))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+44 20 7946 0000",
        "-2+3",
        "@SUM(A1)",
        "|calc",
        "\t=1",
        "\r=1",
        "\nx",
        " =1+1",
        "\u00a0=1+1",
        "\u200b=1+1",
        "\ufeff@x",
        "\u202e=1",
        "\uff1d1+1",
        "\uff0bx",
        "\ufe63x",
        "\x00=1",
    ],
)
def test_safe_text_marks_what_a_spreadsheet_may_run(text):
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Calder & Finch", "A=B", "10 % off", "'=1", "é"])
def test_safe_text_leaves_plain_text_alone(text):
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (Decimal("-1234.5000"), ColumnKind.MONEY, "-1234.50"),
        (Decimal("1E+3"), ColumnKind.MONEY, "1000.00"),
        (Decimal("0.0001"), ColumnKind.MONEY, "0.0001"),
        (date(2026, 10, 1), ColumnKind.MONTH, "2026-10"),
        (date(2026, 10, 5), ColumnKind.DAY, "2026-10-05"),
        (-3, ColumnKind.COUNT, "-3"),
        (None, ColumnKind.MONEY, ""),
        ("-3", ColumnKind.TEXT, "'-3"),
    ],
)
def test_plain_keeps_numbers_numbers(value, kind, text):
    assert plain(value, kind) == text


def test_csv_lines_open_in_a_spreadsheet_as_typed():
    written = "".join(csv_lines(Sample(SCOPE)))

    assert written[0] == "\ufeff"
    rows = list(csv.reader(StringIO(written[1:], newline="")))
    assert rows[0] == ["Vendor", "Month", "Day", "Amount", "Share", "Line"]
    assert rows[1][:4] == ["Calder", "2026-10", "2026-10-05", "-1234.50"]
    assert rows[1][5] == "7"
    assert rows[2] == ["'=1+1", "2026-10", "2026-10-05", "0.0001", "", ""]


def test_csv_lines_come_before_the_last_row_is_read():
    class Endless(Sample):
        def rows(self) -> Iterator[Row]:
            while True:
                yield next(super().rows())

    chunks = csv_lines(Endless(SCOPE))

    assert [next(chunks).count("\r\n") for _ in range(3)] == [201, 200, 200]


def test_xlsx_file_holds_numbers_dates_and_escaped_text():
    (sheet,) = load_workbook(BytesIO(xlsx_file([Sample(SCOPE)]))).worksheets

    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("Vendor", "Month", "Day", "Amount", "Share", "Line")
    assert rows[1][3] == -1234.5
    assert str(rows[1][2]) == "2026-10-05 00:00:00"
    assert rows[2][0] == "'=1+1"
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert len(sheet.title) == 31
