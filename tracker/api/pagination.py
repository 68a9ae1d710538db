"""Pages by key: a signed cursor over (updated_at, id), bound to its query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

from tracker.api.errors import CursorRefused

PAGE_SIZE = 100
LARGEST_PAGE = 200

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Position:
    """The last row of the page before."""

    updated_at: datetime
    pk: int


def after(rows: QuerySet[M, Any], position: Position | None) -> QuerySet[M, Any]:
    """Return the rows past the position, in the order of the walk."""
    if position is not None:
        # The first condition is what an index can serve; the second is exact.
        rows = rows.filter(
            Q(updated_at__gt=position.updated_at) | Q(pk__gt=position.pk),
            updated_at__gte=position.updated_at,
        )
    return rows.order_by("updated_at", "pk")


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
