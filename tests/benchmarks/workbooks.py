"""Reading XLSX: the product's reader beside openpyxl's."""

import tempfile
from pathlib import Path

import xlsxwriter
from openpyxl import load_workbook

from tests.benchmarks.figures import Figure, interleaved
from tracker.imports.files import open_table


def run(*, is_full: bool) -> list[Figure]:
    rows = 100_000 if is_full else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "payments.xlsx"
        write(path, rows)
        ours, theirs = interleaved(
            lambda: read(path, rows), lambda: read_by_openpyxl(path, rows)
        )
    return [
        Figure(f"rows of an XLSX file read, of {rows:,}", rows / ours, "rows/s"),
        Figure("as fast as openpyxl", theirs / ours, "times", goal=10),
    ]


def write(path: Path, rows: int) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["Paid Date", "Amount", "Supplier Name", "Trans No"])
        for row in range(1, rows + 1):
            sheet.write_row(
                row, 0, ["2024-03-01", row / 4, f"Vendor {row % 400}", f"T-{row}"]
            )


def read(path: Path, rows: int) -> None:
    table = open_table(path, lambda cells: len([cell for cell in cells if cell]))
    assert sum(1 for _line in table.lines()) == rows


def read_by_openpyxl(path: Path, rows: int) -> None:
    workbook = load_workbook(path, read_only=True)
    found = sum(1 for _row in workbook.worksheets[0].iter_rows(values_only=True))
    assert found == rows + 1
