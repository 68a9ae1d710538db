"""A report's rows as the cells of a page: written out, aligned, summed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

from django.utils.translation import gettext as _

from tracker.dashboards.notation import Notation
from tracker.dashboards.report import (
    Column,
    ColumnKind,
    Row,
    Value,
    field_name,
    sums,
)

# So many columns stand closer together.
DENSE_FROM = 8
# A text of so many letters, such as a date, stands in one line.
SHORT = 12
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

    @property
    def is_short(self) -> bool:
        return len(self.text) <= SHORT


class ReportUrl(Protocol):
    def __call__(self, slug: str, **changes: str) -> str: ...


@dataclass(frozen=True)
class Sorting:
    """How a report is sorted now, and the addresses that sort it otherwise."""

    now: str
    slug: str
    url: ReportUrl

    def head(self, column: Column) -> Cell:
        """Return the heading; it leads to the table sorted by it, the other way."""
        name = field_name(column)
        falls_first = column.kind.is_number
        steps = [f"-{name}", name] if falls_first else [name, f"-{name}"]
        following = steps[1] if self.now == steps[0] else steps[0]
        return Cell(
            column.heading,
            column.kind.is_number,
            column.rank,
            href=self.url(self.slug, sort=following),
            sorted_as=DIRECTIONS.get(self.now.removesuffix(name), "")
            if self.now.removeprefix("-") == name
            else "",
        )


# As a heading's aria-sort has it, by what stands before the column's name.
DIRECTIONS = {"": "ascending", "-": "descending"}


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
    def is_dense(self) -> bool:
        return len(self.heads) >= DENSE_FROM

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
    sorting: Sorting | None = None,
) -> Table:
    """Return the page's table; its totals are the sums of the rows it shows."""
    shown = [index for index, column in enumerate(columns) if column.on_page]
    is_summed = any(columns[index].is_summed for index in shown)
    totals: list[Value] = [_("Total"), *sums(columns, rows)[1:]]
    return Table(
        caption=caption,
        heads=[_head(columns[index], sorting) for index in shown],
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


def _head(column: Column, sorting: Sorting | None) -> Cell:
    if sorting is not None:
        return sorting.head(column)
    return Cell(column.heading, column.kind.is_number, column.rank)


def _cells(
    columns: Sequence[Column], row: Row, shown: Iterable[int], notation: Notation
) -> list[Cell]:
    places = list(shown)
    first, *others = (
        _cell(columns[i], row.values[i], notation, href=row.hrefs.get(i, ""))
        for i in places
    )
    return [replace(first, href=row.href), *others]


def _cell(
    column: Column,
    value: Value,
    notation: Notation,
    nothing: str = NOTHING,
    href: str = "",
) -> Cell:
    text = nothing if value is None else written(value, column.kind, notation)
    is_zero = isinstance(value, Decimal) and not value
    return Cell(
        text,
        column.kind.is_number,
        column.rank,
        # Nothing stands behind nothing.
        "" if value is None or is_zero else href,
        is_zero=is_zero,
        wraps=column.wraps,
    )


def written(value: Value, kind: ColumnKind, notation: Notation) -> str:
    """Return the value as a reader of the page's locale expects it."""
    if isinstance(value, Decimal):
        return _amount(value, kind, notation)
    if isinstance(value, date):
        is_month = kind is ColumnKind.MONTH
        return notation.month(value) if is_month else notation.day(value)
    if isinstance(value, int):
        return notation.count(value)
    return value or ""


def _amount(value: Decimal, kind: ColumnKind, notation: Notation) -> str:
    match kind:
        case ColumnKind.SHARE:
            return notation.percent(value, digits=1)
        case ColumnKind.CHANCE:
            return notation.chance(value)
        case ColumnKind.MONEY:
            return notation.money(value)
        case ColumnKind.ESTIMATE:
            return notation.short(value)
        case ColumnKind.PRICE:
            return notation.price(value)
        case _:
            return notation.number(value)
