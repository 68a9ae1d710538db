from functools import partial

import pytest

from tracker.imports import text_files
from tracker.imports.files import open_table
from tracker.imports.mapping import recognised_fields
from tracker.imports.payment_fields import FIELDS
from tracker.imports.problems import UnreadableFileError

HEADER = "Paid Date,Amount,Supplier Name\n"
RECOGNISE = partial(recognised_fields, fields=FIELDS)


@pytest.fixture
def opened(tmp_path):
    def open_content(content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_table(path, RECOGNISE)

    return open_content


def lines_of(table):
    return [(line.number, line.cells) for line in table.lines()]


@pytest.mark.parametrize(
    ("delimiter", "name"),
    [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")],
)
def test_delimiter_is_found_out(opened, delimiter, name):
    table = opened(f"{HEADER}2014-01-07,5.00,A & B\n".replace(",", delimiter))

    assert table.reading["delimiter"] == name
    assert lines_of(table) == [(2, ("2014-01-07", "5.00", "A & B"))]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ((HEADER + "1,2,Café\n").encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + (HEADER + "1,2,Café\n").encode(), "UTF-8"),
        ((HEADER + "1,2,Café\n").encode("cp1252"), "Windows-1252"),
        ((HEADER + "1,2,Café\n").encode("utf-16"), "UTF-16"),
    ],
)
def test_encoding_is_found_out(opened, content, encoding):
    table = opened(content)

    assert table.reading["encoding"] == encoding
    assert table.columns == ("Paid Date", "Amount", "Supplier Name")
    assert lines_of(table) == [(2, ("1", "2", "Café"))]


def test_encoding_is_decided_line_by_line(opened):
    content = (HEADER + "1,2,Café\n").encode() + "1,2,JULIE\u2019S\n".encode("cp1252")

    table = opened(content)

    assert lines_of(table) == [(2, ("1", "2", "Café")), (3, ("1", "2", "JULIE\u2019S"))]
    assert table.reading["encoding"] == "UTF-8, with Windows-1252 on 1 lines"


def test_header_is_found_below_a_title(opened):
    table = opened("Payments over £500\n\n" + HEADER + "1,2,X\n")

    assert table.header_line == 3
    assert lines_of(table) == [(4, ("1", "2", "X"))]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_lines_end_in_any_way(opened, ending):
    table = opened((HEADER + "1,2,X\n").replace("\n", ending))

    assert lines_of(table) == [(2, ("1", "2", "X"))]


def test_cell_may_hold_a_line_break_within_quotes(opened):
    table = opened(HEADER + '1,2,"X\nand Y"\n3,4,Z\n')

    assert lines_of(table) == [(2, ("1", "2", "X\nand Y")), (4, ("3", "4", "Z"))]


def test_forgotten_quote_refuses_its_own_line_only(opened):
    rest = "".join(f"1,2,S{n}\n" for n in range(40))

    table = opened(HEADER + '1,2,"X\n' + rest)

    found = list(table.lines())
    assert len(found) == 41
    assert found[0].fault == "its quotation marks don't match"
    assert {line.fault for line in found[1:]} == {""}


def test_quote_inside_a_plain_cell_is_text(opened):
    table = opened(HEADER + '1,2,12" PIPES\n1,2,Y\n')

    assert [cells[2] for _, cells in lines_of(table)] == ['12" PIPES', "Y"]


def test_trailing_empty_columns_are_dropped(opened):
    table = opened("Paid Date,Amount,Supplier Name,,\n1,2,X,,\n")

    assert table.columns == ("Paid Date", "Amount", "Supplier Name")


def test_column_without_a_name_and_a_repeated_name_are_told_apart(opened):
    table = opened("Paid Date,,Amount,Amount\n")

    assert table.columns == ("Paid Date", "column 2", "Amount", "Amount (2)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"\n\n\n", "The file holds no line that can be read."),
        (b"%PDF-1.7", "This is a PDF document."),
        (b"<!doctype html>", "This is an HTML or XML page."),
        (b"\xd0\xcf\x11\xe0abc", "This is an old Excel workbook (XLS)"),
        (b"\x01\x00\x02\x00" * 100, "This is not a text file."),
        (b"PK\x03\x04rubbish", "The file is damaged."),
        (b"[1, 2", "The JSON breaks off in line 1"),
        (b'{"rows": []}', "The document is no list of lines."),
        (b"[]", "The document holds no item with fields."),
        (b"[" * 100_000, "The JSON is nested too deep."),
        (b'[{"a": "\xff"}]', "The JSON is not UTF-8."),
    ],
)
def test_file_that_is_no_table_is_refused_with_what_to_do(opened, content, message):
    with pytest.raises(UnreadableFileError) as refused:
        opened(content)

    assert str(refused.value).startswith(message)


def test_file_with_too_many_lines_is_refused(opened, monkeypatch):
    monkeypatch.setattr(text_files, "MOST_LINES", 40)
    table = opened(HEADER + "1,2,X\n" * 40)

    with pytest.raises(UnreadableFileError):
        list(table.lines())


def test_json_keeps_the_digits_of_numbers_as_written(opened):
    table = opened('[{"date": "2025-01-09", "amount": 74039.610, "supplier": null}]')

    assert lines_of(table) == [(1, ("2025-01-09", "74039.610", ""))]


def test_json_takes_the_currency_from_its_metadata(opened):
    table = opened('{"metadata": {"currency": "GBP"}, "data": [{"amount": 1}]}')

    assert table.defaults == {"currency": "GBP"}


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("7", "it is no object with fields"),
        ('{"amount": [1]}', "its field “amount” holds a list or an object"),
        ('{"amount": 1, "amount": 2}', "one of its fields stands in it twice"),
    ],
)
def test_json_item_of_another_shape_is_a_fault_of_its_own(opened, item, fault):
    table = opened(f'[{{"amount": 1}}, {item}]')

    assert [line.fault for line in table.lines()] == ["", fault]
