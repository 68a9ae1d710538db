import pytest

from tracker.imports.mapping import (
    check_required,
    map_columns,
    normalise_header,
    recognised_fields,
    suggest_columns,
)
from tracker.imports.payment_fields import FIELDS
from tracker.imports.problems import MappingError

OXFORD_2014 = (
    "Body Name",
    "Organisational Unit",
    "Expenditure Category",
    "Expenditure Code",
    "Paid Date",
    "Trans No",
    "Amount",
    "Type",
    "Supplier ID",
    "Supplier Name",
)


def mapped(columns, corrections=None):
    return dict(map_columns(tuple(columns), FIELDS, corrections).by_field)


def test_columns_are_suggested_by_their_words():
    assert mapped(OXFORD_2014) == {
        "paid_on": "Paid Date",
        "amount": "Amount",
        "supplier_name": "Supplier Name",
        "supplier_number": "Supplier ID",
        "transaction_number": "Trans No",
        "unit": "Organisational Unit",
        "category": "Expenditure Category",
        "category_code": "Expenditure Code",
    }


def test_misspelt_column_is_suggested_and_marked_as_like():
    columns = ["Expenditure Catergory", "Expenditure Code"]

    found = {item.field: item for item in suggest_columns(columns, FIELDS)}

    assert found["category"].column == "Expenditure Catergory"
    assert found["category"].likeness < 1
    assert found["category_code"].likeness == 1


def test_type_of_expenditure_is_not_taken_for_the_category():
    columns = ["Client", "Type of Expenditure", "Paid Date", "Amount"]

    assert mapped(columns) == {"paid_on": "Paid Date", "amount": "Amount"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Amount (£)", "amount"),
        ("amount_gbp", "amount"),
        ("SupplierName", "supplier name"),
        (" Paid  Date ", "paid date"),
        ("GBP", "gbp"),
    ],
)
def test_header_is_brought_to_plain_words(name, words):
    assert normalise_header(name) == words


def test_correction_takes_the_column_from_its_suggestion():
    columns = ["Date", "Amount", "Net Amount", "Supplier"]

    assert mapped(columns)["amount"] == "Amount"
    assert mapped(columns, {"amount": "Net Amount"})["amount"] == "Net Amount"


def test_correction_to_nothing_leaves_the_field_out():
    assert "unit" not in mapped(OXFORD_2014, {"unit": ""})


def test_column_given_to_another_field_leaves_its_suggested_one():
    found = mapped(OXFORD_2014, {"description": "Organisational Unit"})

    assert found["description"] == "Organisational Unit"
    assert "unit" not in found


@pytest.mark.parametrize(
    ("corrections", "message"),
    [
        ({"colour": "Amount"}, "There is no field “colour”."),
        ({"amount": "Betrag"}, "There is no column “Betrag” for amount."),
    ],
)
def test_correction_that_names_nothing_is_refused(corrections, message):
    with pytest.raises(MappingError) as refused:
        mapped(OXFORD_2014, corrections)

    assert str(refused.value).startswith(message)


def test_missing_column_is_named_with_the_columns_found():
    mapping = map_columns(("Date", "Supplier", "Betrag"), FIELDS)

    with pytest.raises(MappingError) as refused:
        check_required(mapping, FIELDS)

    assert str(refused.value) == (
        "No column for amount (amount). Columns found: Date, Supplier, Betrag. Say"
        " which it is, such as --map amount=“column”."
    )


def test_row_of_data_names_no_field():
    cells = ["OCC", "Finance", "04/10/2016", "9585", "PENNA PLC"]

    assert recognised_fields(cells, FIELDS) == 0
    assert recognised_fields(OXFORD_2014, FIELDS) == 8
