"""The files' columns are pure, and so repeat what the records say: here they meet."""

import pytest

from engagements.models import Assignment, Contractor, ManagedContract, RateTerm, Vendor
from tracker.imports import (
    contractor_columns,
    engagement_columns,
    term_columns,
    vendor_columns,
)
from tracker.imports.columns import Form, fields_of
from tracker.imports.mapping import suggest_columns

MODELS = {
    "vendors": (vendor_columns.COLUMNS, [Vendor]),
    "contractors": (contractor_columns.COLUMNS, [Contractor]),
    "engagements": (engagement_columns.COLUMNS, [ManagedContract, Assignment]),
    "terms": (term_columns.COLUMNS, [RateTerm]),
}
CASES = [
    pytest.param(column, models, id=f"{kind}-{column.name}")
    for kind, (columns, models) in MODELS.items()
    for column in columns
]


def field_of(column, models):
    for model in models:
        for field in model._meta.get_fields():
            if field.name == column.name:
                return field
    return None


@pytest.mark.parametrize(("column", "models"), CASES)
def test_column_holds_what_its_field_holds(column, models):
    field = field_of(column, models)
    if field is None or column.is_reference or column.name == "id":
        return
    if column.form is Form.WORD:
        assert set(column.words) == {value for value, _label in field.choices}
    if column.form is Form.TEXT:
        assert column.longest == field.max_length
    if column.form is Form.NUMBER:
        assert column.places == field.places
    if not column.is_told_only:
        is_optional = bool(field.blank or field.null)
        assert column.may_be_blank == is_optional or column.name == "reference"


@pytest.mark.parametrize("kind", MODELS)
def test_exported_header_finds_its_own_columns(kind):
    columns, _models = MODELS[kind]
    asked = [column for column in columns if not column.is_told_only]

    suggested = suggest_columns([c.label for c in columns], fields_of(columns))

    assert [(item.field, item.column, item.likeness) for item in suggested] == [
        (column.name, column.label, 1.0) for column in asked
    ]


def test_rate_unit_words_are_those_of_a_rate():
    unit = next(c for c in engagement_columns.COLUMNS if c.name == "rate_unit")

    assert set(unit.words) == {
        value for value, _label in RateTerm._meta.get_field("unit").choices
    }
