"""Pages by key: a signed cursor, bound to its query.

A walk over everything goes by primary key, which never moves: what is changed
meanwhile is neither missed nor met twice. A walk over changes goes by (moment, id).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

from tracker.api.errors import CursorRefused

PAGE_SIZE = 100
LARGEST_PAGE = 200

M = TypeVar("M", bound=Model)


class Position(NamedTuple):
    """A place in a list: when the row last changed, and its primary key."""

    updated_at: datetime
    pk: int


def after(rows: QuerySet[M, Any], position: Position | None) -> QuerySet[M, Any]:
    """Return the rows past the position, in the order in which they came to be."""
    if position is not None:
        rows = rows.filter(pk__gt=position.pk)
    return rows.order_by("pk")


def changed_after(
    rows: QuerySet[M, Any],
    position: Position | None,
    *,
    moment: str = "updated_at",
    key: str = "pk",
) -> QuerySet[M, Any]:
    """Return the rows past the position, in the order of their last change.

    `moment` and `key` are the names of the two fields that it is told by.
    """
    if position is not None:
        # The first condition is what an index can serve; the second is exact.
        rows = rows.filter(
            Q(**{f"{moment}__gt": position.updated_at})
            | Q(**{f"{key}__gt": position.pk}),
            **{f"{moment}__gte": position.updated_at},
        )
    return rows.order_by(moment, key)


def write_cursor(position: Position, *, query: str) -> str:
    value = [position.updated_at.astimezone(UTC).isoformat(), position.pk]
    return signing.dumps(value, salt=f"api.cursor.{query}", compress=False)


def read_cursor(cursor: str | None, *, query: str) -> Position | None:
    """Return where a page starts; raises where the cursor isn't of this query."""
    if cursor is None:
        return None
    try:
        updated_at, pk = signing.loads(cursor, salt=f"api.cursor.{query}")
    except signing.BadSignature:
        raise CursorRefused(
            {"cursor": ["Give next_cursor as it was answered to this very query."]}
        ) from None
    return Position(datetime.fromisoformat(updated_at), pk)


def name_query(noun: str, filters: Mapping[str, Any]) -> str:
    """Return a short name of a list and its filters, whatever their order."""
    text = json.dumps([noun, sorted(filters.items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
