"""Hours of contractors by engagement and by month, as sheets and logs have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from engagements.choices import LIVE_STATUSES, Kind
from engagements.models import Assignment
from engagements.permissions import engagement_scope
from engagements.values.periods import last_day_of_month
from tracker.spend.hours import AGREED, missing_sheets
from tracker.spend.models import TimesheetStatus, WorkLog
from tracker.spend.queries import SpendWhere, spend_by_engagement, spend_by_month

if TYPE_CHECKING:
    from engagements.models import User

NOTHING = Decimal(0)
EVERY = Q()


@dataclass(frozen=True)
class Hours:
    """`agreed` are approved, or logged without a sheet; `waiting` were submitted."""

    agreed: Decimal = NOTHING
    waiting: Decimal = NOTHING
    overtime: Decimal = NOTHING
    out_of_hours: Decimal = NOTHING


@dataclass(frozen=True)
class ContractorHours:
    """`missing` are sheets that nobody began; `spent` is in the reporting currency."""

    assignment: Assignment
    hours: Hours
    missing: int
    spent: Decimal


@dataclass(frozen=True)
class MonthHours:
    month: date
    hours: Hours
    spent: Decimal


def contractor_hours(
    user: User, where: SpendWhere, *, today: date, narrowed: Q = EVERY
) -> list[ContractorHours]:
    """Return who is at work, or has hours or spend in the months; fixed in queries."""
    assignments = assignments_where(user, where).filter(narrowed)
    rows = _counted(user, where).values_list("engagement_id").annotate(**_SUMS)
    hours = {pk: _hours(sums) for pk, *sums in rows}
    spent = {
        row.public_id: row.parts.total
        for row in spend_by_engagement(user, where)
        if row.kind == Kind.AUGMENTED
    }
    missing = Counter(one.assignment.pk for one in missing_sheets(assignments, today))
    found = [
        ContractorHours(
            one,
            hours.get(one.pk, Hours()),
            missing[one.pk],
            spent.get(one.public_id, NOTHING),
        )
        for one in assignments.select_related("contractor", "vendor")
        if one.status in LIVE_STATUSES or one.pk in hours or one.public_id in spent
    ]
    return sorted(found, key=lambda one: (-one.hours.agreed, one.assignment.reference))


def month_hours(user: User, where: SpendWhere) -> list[MonthHours]:
    """Return hours by the month worked, beside the spend booked in it."""
    rows = (
        _counted(user, where)
        .annotate(month=TruncMonth("worked_on"))
        .values_list("month")
        .annotate(**_SUMS)
    )
    hours = {month: _hours(sums) for month, *sums in rows}
    spent: Mapping[date, Decimal] = {
        one.month: one.parts.augmented for one in spend_by_month(user, where)
    }
    return [
        MonthHours(month, hours.get(month, Hours()), spent.get(month, NOTHING))
        for month in sorted({*hours, *spent}, reverse=True)
    ]


def assignments_where(user: User, where: SpendWhere) -> QuerySet[Assignment]:
    """Return the contractors' engagements that the reader sees of what is asked."""
    limits: dict[str, Any] = {
        "vendor_id": where.vendor_id,
        "pk": where.engagement_id,
        "kind": where.kind or None,
        "service_id": where.service_id,
    }
    if where.department_ids is not None:
        limits["department_id__in"] = sorted(where.department_ids)
    asked = {name: value for name, value in limits.items() if value is not None}
    return (
        QuerySet(Assignment)
        .filter(engagement_scope(user), **asked)
        .order_by("reference", "pk")
    )


_SUMS = {
    "agreed": Sum(
        "hours", filter=Q(timesheet__isnull=True) | Q(timesheet__status__in=AGREED)
    ),
    "waiting": Sum("hours", filter=Q(timesheet__status=TimesheetStatus.SUBMITTED)),
    "overtime": Sum("hours", filter=Q(is_overtime=True)),
    "out_of_hours": Sum("hours", filter=Q(is_out_of_hours=True)),
}


def _hours(sums: Sequence[Decimal | None]) -> Hours:
    return Hours(*(one or NOTHING for one in sums))


def _counted(user: User, where: SpendWhere) -> Any:
    rows = WorkLog.objects.visible_to(user).counted()
    if where.first_month is not None:
        rows = rows.filter(worked_on__gte=where.first_month)
    if where.last_month is not None:
        rows = rows.filter(worked_on__lte=last_day_of_month(where.last_month))
    of = assignments_where(user, where).order_by().values("pk")
    return rows.filter(engagement__in=of).order_by()
