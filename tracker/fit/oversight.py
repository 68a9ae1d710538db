"""How much of a manager's time oversight takes, over the whole span."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, Sum

from engagements.values.periods import month_of
from tracker.fit.evidence import Mean, rounded
from tracker.fit.queries import Scope
from tracker.spend.models import OversightLog

WEEKS_PER_MONTH = 365.2425 / 7 / 12


def loads(scope: Scope) -> Mapping[int | None, Mean]:
    """By manager of the scope's engagements, of those with logs and a capacity."""
    return {
        manager: load.observation()
        for manager, load in _loads(scope).items()
        if load.weekly_capacity > 0
    }


@dataclass
class _Load:
    weekly_capacity: float
    hours: float = 0.0
    months: int = 0

    def observation(self) -> Mean:
        available = self.weekly_capacity * WEEKS_PER_MONTH * self.months
        return Mean(
            mean=rounded(self.hours / available),
            count=self.months,
            records=self.months,
        )


def _loads(scope: Scope) -> Mapping[int | None, _Load]:
    rows = (
        OversightLog.objects.filter(
            manager__in=scope.engagements.order_by().values("manager_id"),
            month__range=(month_of(scope.starts_on), scope.last_complete_month),
        )
        .order_by()
        .values_list("manager_id", "manager__weekly_capacity_hours", "month")
        .annotate(
            whole=Sum("hours", filter=Q(engagement__isnull=True)),
            parts=Sum("hours", filter=Q(engagement__isnull=False)),
        )
    )
    loads: dict[int | None, _Load] = {}
    for manager, capacity, _month, whole, parts in rows:
        load = loads.setdefault(manager, _Load(weekly_capacity=float(capacity)))
        # A log of the whole span contains those of single engagements.
        load.hours += float(max(whole or 0, parts or 0))
        load.months += 1
    return loads
