"""A report: one definition that yields the page's table, its CSV and its XLSX."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from engagements.values.language import translated
from tracker.dashboards import reports as reports_package
from tracker.dashboards.filters import CLOSED_PERIODS, label_of
from tracker.dashboards.scope import BUDGET, Scope
from tracker.dashboards.spend_series import Drawing

Value = str | int | Decimal | date | None


class ColumnKind(Enum):
    TEXT = "text"
    MONEY = "money"
    # An amount in a currency of its own, which stands in a column beside it.
    PRICE = "price"
    # An amount that is reckoned and booked nowhere: a page has three digits of it.
    ESTIMATE = "estimate"
    SHARE = "share"
    # A share that no rounding may make a certainty.
    CHANCE = "chance"
    COUNT = "count"
    MONTH = "month"
    DAY = "day"

    @property
    def is_number(self) -> bool:
        return self in {
            ColumnKind.MONEY,
            ColumnKind.PRICE,
            ColumnKind.ESTIMATE,
            ColumnKind.SHARE,
            ColumnKind.CHANCE,
            ColumnKind.COUNT,
        }


@dataclass(frozen=True)
class Column:
    """`is_summed`: the totals row adds it; `on_page` False: downloads only,
    `in_file` False: the page only.

    A long text `wraps` where others are cut; `rank` 2 gives way on phones, 3 also in
    a card of half the width.
    """

    title: str
    kind: ColumnKind = ColumnKind.TEXT
    is_summed: bool = False
    on_page: bool = True
    in_file: bool = True
    rank: int = 1
    wraps: bool = False

    @property
    def heading(self) -> str:
        """The title in the reader's language."""
        return translated(self.title)


@dataclass(frozen=True)
class Row:
    """One value per column of the report; `href` is where the row opens.

    `hrefs` are where single figures open, by the place of their column.
    """

    values: Sequence[Value]
    href: str = ""
    is_remainder: bool = False
    hrefs: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Rows of one page; `rest` sums those of the others, `after` leads to the next."""

    rows: Sequence[Row]
    rest: Row | None = None
    after: str = ""

    @property
    def all_rows(self) -> list[Row]:
        return [*self.rows, self.rest] if self.rest else [*self.rows]


class BadPageError(ValueError):
    """The place asked for is none of this report's."""


PAGE_ROWS = 200
MOST_DIGITS = 9
# Filters that many reports leave unheeded, together.
MONTHS = frozenset({"period", "from", "to"})
COMPARED_MONTHS = frozenset({"base_from", "base_to"})
# What is not posted is of no cost centre, nor of a basis.
POSTED = frozenset({"cost_centre", "basis"})
PARTS_OF_BUDGETS = frozenset({"vendor", "engagement", "service", "model", "basis"})
# More would be read whole to show the first of them.
MOST_SORTED = 20_000


class Report(ABC):
    """Rows of one table for one reader's scope; registered by its slug."""

    slug: ClassVar[str] = ""
    title: ClassVar[str]
    noun: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    has_page: ClassVar[bool] = True
    # A sheet holds a million rows; reports that may have more are CSV only.
    has_xlsx: ClassVar[bool] = True
    # As a card it takes the page's whole width.
    is_wide: ClassVar[bool] = False
    # Asks for a second period to compare the first with; both are closed then.
    compares: ClassVar[bool] = False
    # Its rows are divided as the address asks.
    divides: ClassVar[bool] = False
    # Filters of its pages that change nothing in it.
    unheeded: ClassVar[frozenset[str]] = frozenset()
    # Scopes that a key needs beside that of spend, for what else the rows tell.
    also_reads: ClassVar[Sequence[str]] = ()
    _registered: ClassVar[dict[str, type["Report"]]] = {}

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    @property
    def heading(self) -> str:
        """The title in the reader's language."""
        return translated(self.title)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        slug = cls.__dict__.get("slug", "")
        if not slug:
            return
        if slug in cls._registered:
            raise ValueError(f"Two reports are called {slug!r}.")
        cls._registered[slug] = cls

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield every row, read from the database as it goes where it may be long."""

    def window(self, start: int, limit: int) -> list[Row]:
        return list(islice(self.rows(), start, start + limit))

    def ordered(self) -> Iterator[Row]:
        """Yield every row as the address sorts them; raises BadPageError."""
        return iter(self._sorted) if self.scope.sort else self.rows()

    def copied_lines(self) -> Iterator[bytes] | None:
        """Return the lines of its CSV where the database writes them, else None.

        Each begins with a cell of its own: 1 where a text may have to be marked.
        """
        return None

    @cached_property
    def _sorted(self) -> list[Row]:
        name, is_falling = self.scope.sort.removeprefix("-"), self.scope.sort[0] == "-"
        place = sortable(self.columns).get(name)
        if place is None:
            raise BadPageError(_("This table has no such column to sort by"))
        rows = list(islice(self.rows(), MOST_SORTED + 1))
        if len(rows) > MOST_SORTED:
            raise BadPageError(
                _("More than %(most)s rows can't be sorted; narrow the filters")
                % {"most": self.scope.notation.count(MOST_SORTED)}
            )
        known = [row for row in rows if _is_known(row, place)]
        unknown = [row for row in rows if not _is_known(row, place)]
        known.sort(key=lambda row: _rank(row.values[place]), reverse=is_falling)
        return [*known, *sorted(unknown, key=lambda row: row.is_remainder)]

    def ordered_page(self, after: str = "") -> Page:
        """Return the page that starts after so many rows, as the address sorts them.

        Raises BadPageError.
        """
        if not self.scope.sort:
            return self.page(after)
        start = _offset(after)
        rows = self._sorted[start : start + PAGE_ROWS]
        if start and not rows:
            raise BadPageError(
                _("This list is shorter by now; start from its first page")
            )
        has_more = len(self._sorted) > start + PAGE_ROWS
        return Page(
            rows,
            self.rest(rows) if start or has_more else None,
            str(start + PAGE_ROWS) if has_more else "",
        )

    def row_count(self) -> int:
        return sum(1 for _row in self.rows())

    def totals(self) -> list[Decimal | None]:
        """Return the sum of each summed column, None for the others."""
        return sums(self.columns, self.rows())

    def picture(self) -> Drawing | None:
        """Return what is drawn above the table, if anything is."""
        return None

    def card_rows(self, count: int) -> list[Row]:
        """Return the first rows and, in one row, all others: they sum to the whole."""
        rows = self.window(0, count + 1)
        if len(rows) <= count:
            return rows
        shown = rows[:count]
        return [*shown, self.rest(shown)]

    def card_picture(self, count: int) -> Drawing | None:
        """Return what is drawn where only so many rows are shown."""
        return self.picture()

    def choices(self) -> list[tuple[str, str, bool]]:
        """Return other ways to divide the rows: title, address, whether it is this."""
        return []

    @property
    def offered(self) -> Sequence[str]:
        """What its rows can be held against, of `COMPARISONS`."""
        return ()

    def uncompared(self) -> str:
        """Say why the rows aren't held against what is asked; "" where they are."""
        asked, is_closed = self.scope.compare, self.scope.period.is_closed
        if not asked or (asked in self.offered and is_closed):
            return ""
        if asked in self.offered:
            return translated(CLOSED_PERIODS)
        if asked == BUDGET and self.scope.where.is_narrower_than_budgets:
            return _(
                "Not compared with the budget: no budget is of one vendor, engagement,"
                " service, model or basis alone."
            )
        if asked == BUDGET:
            return _(
                "Not compared with the budget: budgets are set by cost centre and"
                " department."
            )
        return _("Not compared: this report has nothing to be held against so.")

    @classmethod
    def idle_filters(cls) -> frozenset[str]:
        """Return the filters that change nothing in it, by their names in addresses."""
        of_comparing = frozenset() if cls.compares else COMPARED_MONTHS
        of_dividing = frozenset() if cls.divides else frozenset({"by"})
        return cls.unheeded | of_comparing | of_dividing

    def unfollowed(self) -> str:
        """Say which filters of the address change nothing here; "" where none."""
        idle = self.idle_filters()
        names = [name for name in self.scope.parameters if name in idle]
        if not names:
            return ""
        told = ", ".join(f"“{label_of(name)}”" for name in names)
        return ngettext(
            "This table doesn't follow the filter %(names)s.",
            "This table doesn't follow the filters %(names)s.",
            len(names),
        ) % {"names": told}

    def note(self) -> str:
        """Return what a reader must know of the figures before the table."""
        return ""

    def page(self, after: str = "") -> Page:
        """Return the page that starts after so many rows; raises BadPageError."""
        start = _offset(after)
        found = self.window(start, PAGE_ROWS + 1)
        rows = found[:PAGE_ROWS]
        if start and not rows:
            raise BadPageError(
                _("This list is shorter by now; start from its first page")
            )
        has_more = len(found) > PAGE_ROWS
        return Page(
            rows,
            self.rest(rows) if start or has_more else None,
            str(start + PAGE_ROWS) if has_more else "",
        )

    def rest(self, rows: Sequence[Row]) -> Row:
        """Return one row for all that the page leaves out, so that it sums up."""
        left = self.row_count() - len(rows)
        values: list[Value] = [
            None if whole is None or shown is None else whole - shown
            for whole, shown in zip(
                self.totals(), sums(self.columns, rows), strict=True
            )
        ]
        values[0] = _("%(n)s %(things)s on other pages") % {
            "n": self.scope.notation.count(left),
            "things": translated(self.noun),
        }
        return Row(values, is_remainder=True)


@cache
def all_reports() -> Mapping[str, type[Report]]:
    """Return the reports by slug: each module of `reports/` declares one."""
    for module in iter_modules(reports_package.__path__):
        import_module(f"{reports_package.__name__}.{module.name}")
    return dict(Report._registered)


def sums(columns: Sequence[Column], rows: Iterable[Row]) -> list[Decimal | None]:
    """Return the sum of each summed column over the rows, None for the others."""
    found = [Decimal(0) if each.is_summed else None for each in columns]
    for row in rows:
        for index, value in enumerate(row.values):
            so_far = found[index]
            if so_far is not None and isinstance(value, Decimal | int):
                found[index] = so_far + value
    return found


def file_columns(report: Report) -> list[tuple[int, Column]]:
    """Return the columns of the report's files, each with its place in a row."""
    return [pair for pair in enumerate(report.columns) if pair[1].in_file]


def field_name(column: Column) -> str:
    """Return the column's name in addresses and for programs, in no language."""
    with override(None):
        title = str(column.title)
    words = re.findall(r"[a-z0-9]+", title.lower().replace("centre", "center"))
    return "_".join(words)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return the part's share; None where the whole is no sum of positive parts."""
    return part / whole if whole > 0 else None


def sortable(columns: Sequence[Column]) -> dict[str, int]:
    """Return the columns that a page can be sorted by, as the address names them."""
    found: dict[str, int] = {}
    for place, column in enumerate(columns):
        if column.on_page:
            found.setdefault(field_name(column), place)
    return found


def _is_known(row: Row, place: int) -> bool:
    """Tell whether the row has its place by the column; others come last."""
    return not row.is_remainder and row.values[place] not in (None, "")


def _rank(value: Value) -> tuple[str, Any]:
    """Return what orders values of one column; text whatever its case."""
    if isinstance(value, str):
        return "text", value.casefold()
    return ("day", value) if isinstance(value, date) else ("number", value)


def _offset(after: str) -> int:
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= MOST_DIGITS):
        raise BadPageError(_("This is no page of the list; start from its first page"))
    return int(after)
