"""Pages forth and back through one list made of several sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet

from tracker.api.errors import CursorRefused
from tracker.api.pagination import Position
from tracker.api.resource import Row

Rows = QuerySet[Any, Any]


@dataclass(frozen=True)
class Source:
    """Rows of one kind. `moment` names when they changed, for a walk over changes."""

    rows: Rows
    represent: Callable[[Rows], list[tuple[Position, Row]]]
    moment: str = field(default="updated_at")


@dataclass(frozen=True)
class Place:
    """A row of the whole list: in which source, and where there."""

    source: int
    position: Position


@dataclass(frozen=True)
class Cursor:
    is_forward: bool
    place: Place


@dataclass(frozen=True)
class Found:
    rows: list[Row]
    next: Cursor | None
    previous: Cursor | None


def walk(
    sources: Sequence[Source], cursor: Cursor | None, *, size: int, by_change: bool
) -> Found:
    """Return so many rows after the cursor's place, or before it, in the list's order.

    The order is that of the sources; within each by creation, or by last change.
    """
    is_forward = cursor is None or cursor.is_forward
    first = cursor.place.source if cursor else 0
    order = range(first, len(sources)) if is_forward else range(first, -1, -1)
    found: list[tuple[Place, Row]] = []
    for number in order:
        begins_at = cursor.place.position if cursor and number == first else None
        rows = _past(sources[number], begins_at, is_forward, by_change)
        part = sources[number].represent(rows[: size + 1 - len(found)])
        found += [(Place(number, position), row) for position, row in part]
        if len(found) > size:
            break
    has_more, found = len(found) > size, found[:size]
    if not is_forward:
        found.reverse()
    if not found:
        return Found([], None, None)
    ahead = Cursor(True, found[-1][0])
    behind = Cursor(False, found[0][0])
    return Found(
        rows=[row for _place, row in found],
        next=ahead if has_more or not is_forward else None,
        previous=behind if cursor and (has_more or is_forward) else None,
    )


def _past(
    source: Source, position: Position | None, is_forward: bool, by_change: bool
) -> Rows:
    way, sign = ("gt", "") if is_forward else ("lt", "-")
    if not by_change:
        rows = source.rows
        if position is not None:
            rows = rows.filter(**{f"pk__{way}": position.pk})
        return rows.order_by(f"{sign}pk")
    rows = source.rows
    if position is not None:
        moment = source.moment
        rows = rows.filter(
            Q(**{f"{moment}__{way}": position.updated_at})
            | Q(**{f"pk__{way}": position.pk}),
            **{f"{moment}__{way}e": position.updated_at},
        )
    return rows.order_by(f"{sign}{source.moment}", f"{sign}pk")


def write_cursor(cursor: Cursor | None, *, query: str) -> str | None:
    if cursor is None:
        return None
    place = cursor.place
    moment = place.position.updated_at.astimezone(UTC).isoformat()
    value = [int(cursor.is_forward), place.source, moment, place.position.pk]
    return signing.dumps(value, salt=f"hris.cursor.{query}", compress=False)


def read_cursor(text: str | None, *, query: str) -> Cursor | None:
    """Return where a page starts; raises where the cursor isn't of this query."""
    if text is None:
        return None
    try:
        is_forward, source, moment, pk = signing.loads(
            text, salt=f"hris.cursor.{query}"
        )
    except signing.BadSignature:
        raise CursorRefused(
            {"cursor": ["Give next or previous as answered to this very query."]}
        ) from None
    position = Position(datetime.fromisoformat(moment), pk)
    return Cursor(bool(is_forward), Place(source, position))
