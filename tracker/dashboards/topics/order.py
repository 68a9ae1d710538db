"""In which order a reader wants a table, as it stands in the address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tracker.dashboards.report import Column, Row, Value

ORDER = "order"
# Such as “prices.-4”: the report, then the column by its place, from the highest down.
WRITTEN = re.compile(r"(?P<slug>[a-z-]+)\.(?P<falls>-?)(?P<place>[0-9]{1,2})")


@dataclass(frozen=True)
class Order:
    """`place` is the column's among all of the report's."""

    place: int
    falls: bool

    def written(self, slug: str) -> str:
        return f"{slug}.{'-' if self.falls else ''}{self.place}"

    def applied(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows in this order; empty cells and remainders come last."""
        known = [row for row in rows if self._is_known(row)]
        unknown = [row for row in rows if not self._is_known(row)]
        known.sort(key=lambda row: _key(row.values[self.place]), reverse=self.falls)
        return [*known, *sorted(unknown, key=lambda row: row.is_remainder)]

    def _is_known(self, row: Row) -> bool:
        return not row.is_remainder and row.values[self.place] not in (None, "")


def order_asked(text: str, slug: str, columns: Sequence[Column]) -> Order | None:
    """Return what the address asks for of this report; None where nothing it has."""
    match = WRITTEN.fullmatch(text)
    if match is None or match["slug"] != slug:
        return None
    place = int(match["place"])
    return Order(place, bool(match["falls"])) if place < len(columns) else None


def order_offered(column: Column, place: int, current: Order | None) -> Order:
    """Return what a column's head asks for: figures from the highest, then reversed."""
    if current is not None and current.place == place:
        return Order(place, not current.falls)
    return Order(place, column.kind.is_number)


def _key(value: Value) -> tuple[Decimal | int | str, str]:
    if isinstance(value, date):
        return value.toordinal(), ""
    if isinstance(value, str):
        return value.casefold(), value
    return value or 0, ""
