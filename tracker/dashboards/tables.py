"""A report's rows as the cells of a page: written out, aligned, summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tracker.dashboards.notation import Notation
from tracker.dashboards.report import Column, ColumnKind, Report, Row, Value, totals

NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    text: str
    is_number: bool = False
    is_optional: bool = False
    href: str = ""


@dataclass(frozen=True)
class TotalsRow:
    name: str
    cells: Sequence[Cell]
    is_part: bool = False


@dataclass(frozen=True)
class Table:
    """What a template shows; every totals row has one cell per head after the first."""

    caption: str
    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    totals: Sequence[TotalsRow]


def table(
    report: Report,
    rows: Sequence[Row],
    *,
    caption: str,
    notation: Notation,
    hidden: Sequence[Row] = (),
    hidden_name: str = "",
) -> Table:
    """Return the page's table; `hidden` rows stand in one line and in the total."""
    columns = report.columns
    sums = []
    if hidden:
        parts = ((f"These {len(rows)}", rows), (hidden_name, hidden))
        sums = [
            TotalsRow(name, _cells(columns, totals(columns, part), notation)[1:], True)
            for name, part in parts
        ]
    everything = totals(columns, [*rows, *hidden])
    sums.append(TotalsRow("Total", _cells(columns, everything, notation)[1:]))
    return Table(
        caption=caption,
        heads=[
            Cell(column.title, column.kind.is_number, column.is_optional)
            for column in columns
            if column.on_page
        ],
        rows=[_cells(columns, row.values, notation, row.href) for row in rows],
        totals=sums,
    )


def _cells(
    columns: Sequence[Column],
    values: Sequence[Value],
    notation: Notation,
    href: str = "",
) -> list[Cell]:
    cells = [
        Cell(
            written(value, column.kind, notation),
            column.kind.is_number,
            column.is_optional,
        )
        for column, value in zip(columns, values, strict=True)
        if column.on_page
    ]
    if href:
        cells[0] = Cell(cells[0].text, cells[0].is_number, href=href)
    return cells


def written(value: Value, kind: ColumnKind, notation: Notation) -> str:
    """Return the value as a reader of the page's locale expects it."""
    if value is None:
        return NOTHING if kind.is_number else ""
    if isinstance(value, Decimal):
        if kind is ColumnKind.SHARE:
            return notation.percent(value, digits=1)
        if kind is ColumnKind.MONEY:
            return notation.money(value)
        return notation.number(value)
    if isinstance(value, date):
        return notation.month(value) if kind is ColumnKind.MONTH else notation.day(value)
    if isinstance(value, int):
        return notation.count(value)
    return value
