from datetime import date
from decimal import Decimal

import pytest

from tracker.imports.columns import Column, Form
from tracker.imports.parsing import Unreadable
from tracker.imports.record_cells import joined, parse_cell, reading_of, same_text

PLAIN = reading_of([])


def column(form, **more):
    return Column("name", "Name", form, **more)


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Form.TEXT, "  Acme   Ltd ", "Acme Ltd"),
        (Form.TEXT, "'=Acme", "=Acme"),
        (Form.PROSE, "Runs it\n\n  by night", "Runs it\n\nby night"),
        (Form.CURRENCY, "eur", "EUR"),
        (Form.COUNTRY, " de ", "DE"),
        (Form.YES_NO, "Yes", True),
        (Form.YES_NO, "false", False),
        (Form.WHOLE, "30.0", 30),
        (Form.NUMBER, "£1,234.50", Decimal("1234.50")),
        (Form.DAY, "2026-02-01", date(2026, 2, 1)),
        (Form.DAY, "46054", date(2026, 2, 1)),
        (Form.LIST, 'Python; "a;b"; Python', ("Python", "a;b")),
    ],
)
def test_cell_is_read_as_its_column_holds_it(form, text, value):
    assert parse_cell(column(form, places=4), text, PLAIN) == value


def test_word_is_read_however_it_is_spelt():
    standing = column(Form.WORD, words=("active", "on_hold"))

    assert parse_cell(standing, "On hold", PLAIN) == "on_hold"
    assert parse_cell(standing, "on-hold", PLAIN) == "on_hold"


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        (Form.TEXT, "=cmd|x", "begins like a formula"),
        (Form.TEXT, "\u200b+1", "begins like a formula"),
        (Form.TEXT, "Ac\x00me", "holds a control character"),
        (Form.TEXT, "Ac\u202eme", "holds a control character"),
        (Form.TEXT, "x" * 201, "has 201 characters"),
        (Form.PROSE, "fine\nnot\x07fine", "holds a control character"),
        (Form.CURRENCY, "XYZ", "is no currency code"),
        (Form.COUNTRY, "Germany", "is no country code"),
        (Form.YES_NO, "perhaps", "is neither yes nor no"),
        (Form.WHOLE, "2.5", "has more than 0 decimals"),
        (Form.WHOLE, "-1", "is out of range"),
        (Form.WHOLE, "9" * 5000, "has too many digits"),
        (Form.NUMBER, "9" * 5000, "has too many digits"),
        (Form.NUMBER, "1,23", "is no amount that can be read"),
        (
            Form.NUMBER,
            "1.5E+04",
            "is in scientific notation, which may have lost digits",
        ),
        (Form.NUMBER, "NaN", "is no amount that can be read"),
        (Form.DAY, "soon", "is no date that can be read"),
        (Form.DAY, "n/a", "is no date that can be read"),
        (Form.DAY, "2026-02-30", "is no day of the calendar"),
        (Form.LIST, "Python; =x", "begins like a formula"),
    ],
)
def test_doubtful_cell_is_refused(form, text, reason):
    with pytest.raises(Unreadable) as refused:
        parse_cell(column(form, places=4), text, PLAIN)

    assert refused.value.reason == reason
    assert refused.value.advice


def test_date_that_fits_both_orders_is_refused_unless_the_file_proves_one():
    day = column(Form.DAY)
    unproved = reading_of(["01/02/2026", "03/04/2026"])

    with pytest.raises(Unreadable) as refused:
        parse_cell(day, "01/02/2026", unproved)

    assert refused.value.reason == "can be read day first and month first"
    day_first = reading_of(["01/02/2026", "31/12/2026"])
    month_first = reading_of(["01/02/2026", "12/31/2026"])
    said = reading_of(["01/02/2026"], date_format="%m/%d/%Y")
    assert parse_cell(day, "01/02/2026", day_first) == date(2026, 2, 1)
    assert parse_cell(day, "01/02/2026", month_first) == date(2026, 1, 2)
    assert parse_cell(day, "01/02/2026", said) == date(2026, 1, 2)


def test_decimal_comma_is_read_where_a_person_says_so():
    reading = reading_of([], decimal_comma=True)

    assert parse_cell(column(Form.NUMBER, places=2), "1.234,50", reading) == Decimal(
        "1234.50"
    )


def test_list_is_read_back_as_it_was_written():
    names = ("Python", "a;b", '5" tapes', "=not run", "'=x")

    assert parse_cell(column(Form.LIST, longest=2000), joined(names), PLAIN) == names


def test_text_is_the_same_however_it_is_laid_out():
    assert same_text("a\n\n b\u00a0c ") == same_text("a b c")
