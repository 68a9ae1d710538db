"""Reports as data for other systems: the rows of their files, under plain names."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from tracker.dashboards.downloads import plain
from tracker.dashboards.report import (
    Column,
    Report,
    Row,
    Value,
    field_name,
    file_columns,
)

Answer = dict[str, str | int | None]


def answers(report: Report, rows: Sequence[Row]) -> list[Answer]:
    """Return each row by its columns' names: amounts as text, counts as numbers."""
    columns = [
        (place, field_name(column), column) for place, column in file_columns(report)
    ]
    return [
        {name: _answer(row.values[place], column) for place, name, column in columns}
        for row in rows
    ]


def total_answer(report: Report) -> Mapping[str, str | int | None]:
    """Return the sum of each column that adds up, over all pages."""
    totals = report.totals()
    return {
        field_name(column): _answer(totals[i], column)
        for i, column in file_columns(report)
        if column.is_summed
    }


def _answer(value: Value, column: Column) -> str | int | None:
    if value is None:
        return None
    if isinstance(value, Decimal | date):
        return plain(value, column.kind)
    # No spreadsheet reads this, so that text goes out as it is.
    return value
