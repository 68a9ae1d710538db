from datetime import date
from decimal import Decimal

import pytest

from tracker.imports.mapping import map_columns
from tracker.imports.payment_fields import FIELDS
from tracker.imports.payment_lines import (
    Knowledge,
    PaymentOptions,
    file_currency,
    read_payments,
)
from tracker.imports.tables import Line, Table

COLUMNS = (
    "Paid Date",
    "Amount",
    "Supplier Name",
    "Supplier ID",
    "Trans No",
    "Service Area",
    "Expenditure Category",
    "Expenditure Code",
)
GOOD = ("04/10/2016", "9585", "PENNA PLC", "2001", "1 - 0", "HR", "Consultants", "D1")


def read(*rows, columns=COLUMNS, knowledge=None, **options):
    table = Table(
        file_format="csv",
        columns=columns,
        header_line=1,
        lines=lambda: (Line(n, cells) for n, cells in enumerate(rows, start=2)),
    )
    return read_payments(
        table=table,
        mapping=map_columns(columns, FIELDS),
        options=PaymentOptions(**options),
        knowledge=knowledge or Knowledge(),
        latest=date(2027, 1, 1),
    )


def changed(**cells):
    row = list(GOOD)
    for name, text in cells.items():
        row[COLUMNS.index(name.replace("_", " "))] = text
    return tuple(row)


def reasons(file):
    return [(p.line, p.field, p.reason) for p in file.problems]


def test_line_is_read_field_by_field():
    (line,) = read(changed(Supplier_Name="PENNA PLC      ")).lines

    assert line.number == 2
    assert line.paid_on == date(2016, 10, 4)
    assert line.amount == Decimal("9585.00")
    assert line.currency == "GBP"
    assert line.supplier_name == "PENNA PLC"
    assert line.transaction_number == "1-0"
    assert (line.unit, line.category, line.category_code) == ("HR", "Consultants", "D1")


def test_refused_line_tells_every_reason():
    file = read(changed(Paid_Date="soon", Amount="much"), GOOD)

    assert reasons(file) == [
        (2, "amount", "is no amount that can be read"),
        (2, "paid_on", "is no date that can be read"),
    ]
    assert (file.read, len(file.lines), file.refused) == (2, 1, 1)


def test_undated_line_is_refused():
    file = read(changed(Paid_Date="00:00:00"), changed(Paid_Date=""))

    assert reasons(file) == [
        (2, "paid_on", "has no date"),
        (3, "paid_on", "has no date"),
    ]


def test_undated_line_is_dated_when_asked_and_told_of():
    file = read(changed(Paid_Date="00:00:00"), GOOD, undated_on=date(2014, 5, 15))

    assert [line.paid_on for line in file.lines] == [
        date(2014, 5, 15),
        date(2016, 10, 4),
    ]
    assert [line.is_undated for line in file.lines] == [True, False]
    assert str(file.notes[0]) == "Lines without a date, dated 2014-05-15 as asked: 1."


def test_wrong_date_is_refused_although_undated_lines_are_dated():
    file = read(changed(Paid_Date="31/02/2014"), undated_on=date(2014, 5, 15))

    assert reasons(file) == [(2, "paid_on", "is no day of the calendar")]


def test_month_first_dates_are_read_so_and_told_of():
    file = read(changed(Paid_Date="10/25/2016"), changed(Paid_Date="10/04/2016"))

    assert [line.paid_on.day for line in file.lines] == [25, 4]
    assert "month first" in str(file.notes[0])


def test_refund_is_accepted():
    assert [line.amount for line in read(changed(Amount="-99.99")).lines] == [
        Decimal("-99.99")
    ]


def test_amount_of_another_currency_sign_is_refused():
    assert reasons(read(changed(Amount="€5"))) == [
        (2, "amount", "is in EUR while the line is in GBP")
    ]


def test_supplier_without_name_is_named_as_other_lines_name_its_number():
    file = read(changed(Supplier_Name=""), GOOD)

    assert [line.supplier_name for line in file.lines] == ["PENNA PLC", "PENNA PLC"]


def test_supplier_without_name_is_named_as_an_earlier_file_named_it():
    knowledge = Knowledge(name_of={"2001": "PENNA PLC"}.get)

    file = read(changed(Supplier_Name=""), knowledge=knowledge)

    assert [line.supplier_name for line in file.lines] == ["PENNA PLC"]


def test_supplier_without_any_known_name_goes_by_its_number():
    file = read(changed(Supplier_Name="  "))

    assert file.lines[0].supplier_name == "Supplier 2001 (name withheld)"


def test_supplier_that_the_publisher_withholds_is_not_named_from_elsewhere():
    file = read(changed(Supplier_Name="Redacted personal data"), GOOD)

    assert file.lines[0].supplier_name == "Supplier 2001 (name withheld)"


def test_supplier_name_with_a_lost_character_is_taken_from_other_lines():
    good = changed(Supplier_Name="JULIE'S BICYCLE")

    file = read(changed(Supplier_Name="JULIE\ufffdS BICYCLE"), good)

    assert [line.supplier_name for line in file.lines] == ["JULIE'S BICYCLE"] * 2


def test_supplier_with_neither_name_nor_number_is_refused():
    assert reasons(read(changed(Supplier_Name="-", Supplier_ID=""))) == [
        (2, "supplier_name", "is blank, and so is the supplier's number")
    ]


@pytest.mark.parametrize("name", ["Supplier Name", "Service Area", "Trans No"])
@pytest.mark.parametrize("text", ["A\x00B", "A\ud800B", "A\u202eB"])
def test_poisoned_text_is_refused_and_shown_harmless(name, text):
    file = read(changed(**{name.replace(" ", "_"): text}))

    assert [p.reason for p in file.problems] == ["holds a control character"]
    assert file.problems[0].raw.isascii()
    assert file.problems[0].raw.startswith("A\\u")


def test_category_is_known_by_its_code_where_the_file_has_only_codes():
    columns = tuple(name for name in COLUMNS if name != "Expenditure Category")

    def row(code):
        return (*GOOD[:6], code)

    file = read(
        row("A0108  "),
        row("Z9"),
        row("Q1"),
        row(""),
        columns=columns,
        knowledge=Knowledge(category_of={"Z9": "Legal Services"}.get),
    )

    assert [line.category for line in file.lines] == [
        "Temporary Bureau Staffing",
        "Legal Services",
        "Q1",
        "Uncategorised",
    ]


def test_codes_are_learnt_with_their_commonest_category():
    file = read(GOOD, GOOD, changed(Expenditure_Category="Consultant"))

    assert file.codes == {"D1": "Consultants"}


def test_blank_lines_and_repeated_headers_are_passed_over_and_told_of():
    file = read(GOOD, ("", " ", ""), COLUMNS, GOOD)

    assert (file.read, len(file.lines)) == (2, 2)
    assert [str(note) for note in file.notes if not note.line][:2] == [
        "Blank lines passed over: 1.",
        "Headers repeated further down: 1.",
    ]


def test_line_with_surplus_cells_is_refused():
    file = read((*GOOD, "surplus"), (*GOOD, "", " "))

    assert reasons(file) == [(2, "line", "has 9 cells where the header has 8")]


def test_total_that_agrees_is_no_payment():
    total = ("Total", "19170.00", "", "", "", "", "", "")

    file = read(GOOD, GOOD, total)

    assert (file.read, len(file.lines), file.total_lines) == (2, 2, 1)
    assert str(file.notes[0]).startswith("line 4: a total of 19,170.00")


def test_total_that_disagrees_is_refused():
    file = read(GOOD, ("", "9584.00", "", "", "", "", "", ""))

    assert reasons(file) == [
        (3, "amount", "looks like a total, but the lines above sum to 9,585.00")
    ]
    assert file.read == 2


def test_totals_of_parts_and_of_the_whole_are_both_known():
    def total(amount):
        return ("Total", amount, "", "", "", "", "", "")

    file = read(GOOD, total("9585"), GOOD, total("9585"), total("19170"))

    assert (file.read, file.refused, file.total_lines) == (2, 0, 3)


def test_supplier_called_total_is_a_supplier():
    file = read(changed(Supplier_Name="TOTAL GAS & POWER"))

    assert [line.supplier_name for line in file.lines] == ["TOTAL GAS & POWER"]


def test_long_description_is_cut_and_told_of():
    columns = (*COLUMNS, "Description")

    file = read((*GOOD, "x" * 301), columns=columns)

    assert len(file.lines[0].description) == 300
    assert str(file.notes[-1]) == "Descriptions cut after 300 characters: 1."


@pytest.mark.parametrize(
    ("header", "asked", "told", "currency"),
    [
        ("Amount", None, {}, "GBP"),
        ("Amount (€)", None, {}, "EUR"),
        ("amount_eur", None, {}, "EUR"),
        ("Amount", None, {"currency": "USD"}, "USD"),
        ("Amount", None, {"currency": "nonsense"}, "GBP"),
        ("Amount (€)", "CHF", {"currency": "USD"}, "CHF"),
    ],
)
def test_currency_is_as_asked_else_as_told_else_pounds(header, asked, told, currency):
    table = Table("csv", (header,), 1, lambda: iter(()), {}, told)
    mapping = map_columns((header,), FIELDS)

    assert file_currency(table, mapping, PaymentOptions(currency=asked)) == currency


def test_currency_of_a_line_stands_in_its_column():
    columns = (*COLUMNS, "Currency")

    file = read((*GOOD, "eur"), (*GOOD, ""), (*GOOD, "XQX"), columns=columns)

    assert [line.currency for line in file.lines] == ["EUR", "GBP"]
    assert reasons(file) == [(4, "currency", "is no currency code")]
