import tracemalloc
import zipfile
from datetime import date
from functools import partial

import pytest
import xlsxwriter

from tracker.imports.files import open_table
from tracker.imports.mapping import recognised_fields
from tracker.imports.payment_fields import FIELDS
from tracker.imports.problems import UnreadableFileError

RECOGNISE = partial(recognised_fields, fields=FIELDS)
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)


@pytest.fixture
def workbook(tmp_path):
    """A workbook of ours whose first sheet's or texts' part is then replaced."""

    def build(sheet=None, texts=None):
        plain, changed = tmp_path / "plain.xlsx", tmp_path / "changed.xlsx"
        with xlsxwriter.Workbook(plain) as book:
            book.add_worksheet().write(0, 0, "Amount")
        parts = {"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": texts}
        with (
            zipfile.ZipFile(plain) as old,
            zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for part in old.infolist():
                content = parts.get(part.filename) or old.read(part.filename)
                new.writestr(part.filename, content)
        return changed

    return build


def test_sheet_with_most_fields_is_read_from_its_header_on(tmp_path):
    path = tmp_path / "spend.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write(0, 0, "Published in 2014")
        sheet = book.add_worksheet("Spend")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write(0, 0, "Spend over £500")
        sheet.write_row(2, 0, ["Paid Date", "Amount", "Supplier Name", "Supplier ID"])
        sheet.write_datetime(3, 0, date(2014, 1, 7), day)
        sheet.write_row(3, 1, [4725.1, "PENNA PLC ", 20006509])
        sheet.write_row(5, 0, ["", 0.1 + 0.2, "X", 1])

    table = open_table(path, RECOGNISE)

    assert table.columns == ("Paid Date", "Amount", "Supplier Name", "Supplier ID")
    assert table.reading == {"sheet": "Spend (of 2)"}
    assert [(line.number, line.cells) for line in table.lines()] == [
        (4, ("2014-01-07", "4725.1", "PENNA PLC ", "20006509")),
        (5, ("", "", "", "")),
        (6, ("", "0.3", "X", "1")),
    ]


def far_right():
    rows = "".join(
        f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 20_001)
    )
    return {"sheet": SHEET.format(rows)}


def far_down():
    return {"sheet": SHEET.format('<row r="1"><c r="A1048576"><v>1</v></c></row>')}


def unfolding():
    return {"sheet": SHEET.format(" " * 150_000_000)}


def one_text_many_times():
    text = "x" * 30_000
    cells = "".join(f'<c r="A{n}" t="s"><v>0</v></c>' for n in range(1, 20_001))
    texts = f"<sst><si><t>{text}</t></si></sst>"
    return {"sheet": SHEET.format(f'<row r="1">{cells}</row>'), "texts": texts}


def without_addresses():
    return {"sheet": SHEET.format("<row>" + "<c><v>1</v></c>" * 20_000 + "</row>")}


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        (far_right, "A sheet reaches column 16,384; at most 200 are read."),
        (far_down, "A sheet has 1,048,576 rows"),
        (unfolding, "Unpacked, the workbook exceeds 100 MB."),
        (one_text_many_times, "The texts of a sheet exceed 100 MB."),
        (without_addresses, "The workbook has cells without an address."),
    ],
)
def test_bomb_is_refused_before_it_is_opened(workbook, bomb, message):
    path = workbook(**bomb())
    tracemalloc.start()

    with pytest.raises(UnreadableFileError) as refused:
        open_table(path, RECOGNISE)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(refused.value).startswith(message)
    assert peak < 100_000_000


def test_archive_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "archive.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")

    with pytest.raises(UnreadableFileError) as refused:
        open_table(path, RECOGNISE)

    assert str(refused.value).startswith("This archive is no XLSX workbook.")
