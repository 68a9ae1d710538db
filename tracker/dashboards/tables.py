"""A report's rows as the cells of a page: written out, aligned, summed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from tracker.dashboards.notation import Notation
from tracker.dashboards.report import Column, ColumnKind, Row, Value, sums

NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Cell:
    text: str
    is_number: bool = False
    rank: int = 1
    href: str = ""
    is_zero: bool = False
    wraps: bool = False
    sorted_as: str = ""


@dataclass(frozen=True)
class TableRow:
    cells: Sequence[Cell]
    is_remainder: bool = False


@dataclass(frozen=True)
class Table:
    """`totals` is empty where no column adds up; a name may give way to words too."""

    caption: str
    heads: Sequence[Cell]
    rows: Sequence[TableRow]
    totals: Sequence[Cell]
    name_gives_way: bool = False

    @property
    def is_breakdown(self) -> bool:
        """One name and its figures: the name gives way to them."""
        return self.name_gives_way or all(head.is_number for head in self.heads[1:])


def table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    caption: str,
    notation: Notation,
) -> Table:
    """Return the page's table; its totals are the sums of the rows it shows."""
    shown = [index for index, column in enumerate(columns) if column.on_page]
    is_summed = any(columns[index].is_summed for index in shown)
    totals: list[Value] = [_("Total"), *sums(columns, rows)[1:]]
    return Table(
        caption=caption,
        heads=[
            Cell(
                columns[index].heading,
                columns[index].kind.is_number,
                columns[index].rank,
            )
            for index in shown
        ],
        rows=[
            TableRow(_cells(columns, row, shown, notation), row.is_remainder)
            for row in rows
        ],
        totals=[
            _cell(columns[index], totals[index], notation, nothing="")
            for index in shown
            if is_summed
        ],
    )


def _cells(
    columns: Sequence[Column], row: Row, shown: Iterable[int], notation: Notation
) -> list[Cell]:
    first, *others = (_cell(columns[i], row.values[i], notation) for i in shown)
    return [Cell(first.text, first.is_number, first.rank, row.href), *others]


def _cell(
    column: Column, value: Value, notation: Notation, nothing: str = NOTHING
) -> Cell:
    text = nothing if value is None else written(value, column.kind, notation)
    is_zero = isinstance(value, Decimal) and not value
    return Cell(
        text,
        column.kind.is_number,
        column.rank,
        is_zero=is_zero,
        wraps=column.wraps,
    )


def written(value: Value, kind: ColumnKind, notation: Notation) -> str:
    """Return the value as a reader of the page's locale expects it."""
    if isinstance(value, Decimal):
        if kind is ColumnKind.SHARE:
            return notation.percent(value, digits=1)
        if kind is ColumnKind.MONEY:
            return notation.money(value)
        if kind is ColumnKind.PRICE:
            return notation.price(value)
        return notation.number(value)
    if isinstance(value, date):
        is_month = kind is ColumnKind.MONTH
        return notation.month(value) if is_month else notation.day(value)
    if isinstance(value, int):
        return notation.count(value)
    return value or ""
