from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Greatest

from tracker.api import naming
from tracker.api.engagements.rows import plain_text
from tracker.api.pagination import Position
from tracker.api.resource import Row
from tracker.api.timesheets.shapes import APPROVAL_STATUSES
from tracker.spend.models import WorkLog

# Before the source id of what was sent to the API.
KEY = "api:"
COLUMNS = (
    *("updated_at", "pk", "public_id", "created_at", "source_key"),
    *("worked_on", "hours", "activity", "is_overtime", "is_out_of_hours", "is_core"),
    *("assigned_by", "description"),
    *("withdrawn_at", "withdrawn_reason", "withdrawn_key"),
    *("timesheet__status", "timesheet__updated_at"),
    *("engagement__public_id", "engagement__external_id", "engagement__title"),
    "engagement__reference",
    *("contractor__public_id", "contractor__external_id", "contractor__full_name"),
)


def time_entry_rows(rows: QuerySet[WorkLog, Any]) -> list[tuple[Position, Row]]:
    return [_placed(values) for values in rows.values_list(*COLUMNS)]


def standing_entries(rows: QuerySet[WorkLog]) -> QuerySet[WorkLog]:
    """Leave out what was withdrawn; it is told to those who ask what changed."""
    return rows.filter(withdrawn_at__isnull=True)


def changed_entries(rows: QuerySet[WorkLog], since: datetime) -> QuerySet[WorkLog]:
    """Keep entries changed since, with the moment as `changed_at`.

    A timesheet's change is one of its entries: they are approved with it.
    """
    moved = WorkLog.objects.filter(updated_at__gte=since).values("pk")
    decided = WorkLog.objects.filter(timesheet__updated_at__gte=since).values("pk")
    sheet = Coalesce("timesheet__updated_at", "updated_at")
    return rows.filter(pk__in=moved.order_by().union(decided.order_by())).annotate(
        changed_at=Greatest("updated_at", sheet)
    )


def _placed(values: Sequence[Any]) -> tuple[Position, Row]:
    told = dict(zip(COLUMNS, values, strict=True))
    moments = (told["updated_at"], told["timesheet__updated_at"])
    changed_at = max(filter(None, moments))
    engagement = naming.record(values[-7:-4])
    source = told["source_key"] or told["withdrawn_key"] or ""
    status = told["timesheet__status"]
    row = {
        "id": told["public_id"],
        "external_id": source.removeprefix(KEY) if source.startswith(KEY) else None,
        "engagement": (engagement or {}) | {"reference": values[-4]},
        "contractor": naming.record(values[-3:]),
        "worked_on": told["worked_on"],
        "hours": plain_text(told["hours"]),
        "activity": told["activity"],
        "is_overtime": told["is_overtime"],
        "is_out_of_hours": told["is_out_of_hours"],
        "is_core": told["is_core"],
        "assigned_by": told["assigned_by"] or None,
        "description": told["description"] or None,
        "approval_status": APPROVAL_STATUSES[status] if status else None,
        "withdrawn_at": told["withdrawn_at"],
        "withdrawn_reason": told["withdrawn_reason"] or None,
        "created_at": told["created_at"],
        "updated_at": changed_at,
    }
    return Position(changed_at, told["pk"]), row
