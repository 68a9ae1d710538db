"""A report: one definition that yields the page's table, its CSV and its XLSX."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

from tracker.dashboards import reports as reports_package
from tracker.dashboards.scope import Scope

Value = str | int | Decimal | date | None


class ColumnKind(Enum):
    TEXT = "text"
    MONEY = "money"
    SHARE = "share"
    COUNT = "count"
    MONTH = "month"
    DAY = "day"

    @property
    def is_number(self) -> bool:
        return self in {ColumnKind.MONEY, ColumnKind.SHARE, ColumnKind.COUNT}


@dataclass(frozen=True)
class Column:
    """`is_summed`: the totals row adds it; `on_page` False: downloads only."""

    title: str
    kind: ColumnKind = ColumnKind.TEXT
    is_summed: bool = False
    on_page: bool = True
    is_optional: bool = False


@dataclass(frozen=True)
class Row:
    """One value per column of the report; `href` is where the row opens."""

    values: Sequence[Value]
    href: str = ""


class Report(ABC):
    """Rows of one table for one reader's scope; registered by its slug."""

    slug: ClassVar[str] = ""
    title: ClassVar[str]
    noun: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    _registered: ClassVar[dict[str, type["Report"]]] = {}

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.slug:
            return
        if cls.slug in Report._registered:
            raise ValueError(f"Two reports are called {cls.slug!r}.")
        Report._registered[cls.slug] = cls

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield every row, read from the database as it goes where it may be long."""


@cache
def all_reports() -> Mapping[str, type[Report]]:
    """Return the reports by slug: each module of `reports/` declares one."""
    for module in iter_modules(reports_package.__path__):
        import_module(f"{reports_package.__name__}.{module.name}")
    return dict(Report._registered)


def totals(columns: Sequence[Column], rows: Iterable[Row]) -> list[Value]:
    """Return the sum of each summed column over the rows, None for the others."""
    sums: list[Value] = [Decimal(0) if each.is_summed else None for each in columns]
    for row in rows:
        for index, value in enumerate(row.values):
            if columns[index].is_summed and isinstance(value, Decimal | int):
                sums[index] = Decimal(sums[index] or 0) + value  # type: ignore[arg-type]
    return sums
