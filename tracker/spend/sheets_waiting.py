"""Timesheets that wait for one person's decision, with their hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Sum

from tracker.spend.hours import to_decide

if TYPE_CHECKING:
    from engagements.models import Contractor, Engagement, User


@dataclass(frozen=True)
class WaitingSheet:
    pk: int
    contractor: Contractor
    engagement: Engagement
    starts_on: date
    ends_on: date
    hours: Decimal
    submitted_by: str
    submitted_at: datetime | None


def sheets_waiting(user: User) -> list[WaitingSheet]:
    """Return submitted sheets that the user may decide about, the oldest first."""
    rows = to_decide(user).select_related("engagement", "contractor", "submitted_by")
    return [
        WaitingSheet(
            pk=row.pk,
            contractor=row.contractor,
            engagement=row.engagement,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            hours=row.hours or Decimal(0),
            submitted_by=str(row.submitted_by or ""),
            submitted_at=row.submitted_at,
        )
        for row in rows.annotate(hours=Sum("lines__hours"))
    ]
