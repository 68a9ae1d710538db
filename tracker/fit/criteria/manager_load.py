from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, Sum

from engagements.values.periods import month_of
from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Mean, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.spend.models import OversightLog

WEEKS_PER_MONTH = 365.2425 / 7 / 12


@registry.add
class ManagerLoad(Criterion[Mean]):
    """Oversight hours of the manager's whole span, of the hours available."""

    code = "manager_load"
    label = "Load of the manager"
    question = "Has the manager time to direct more people?"
    dimension = "oversight"
    importance = 1.4
    breakpoints = Breakpoints(
        points=((0.5, -0.7), (0.8, 0.0), (1.1, 1.0)),
        source="vendors' claims of 15 to 25 % of a manager for each person",
    )
    unit = PERCENT
    quantity = "the manager's time spent on oversight"
    how_to_record = "Log the manager's monthly hours of oversight."
    scale = Scale(kind="mean", most=5.0)

    def gather(self, scope: Scope) -> Mapping[int, Mean]:
        loads = {
            manager: load.observation()
            for manager, load in _loads(scope).items()
            if load.weekly_capacity > 0
        }
        managed = scope.engagements.filter(manager__isnull=False)
        return {
            engagement: loads[manager]
            for engagement, manager in managed.values_list("pk", "manager_id")
            if manager in loads
        }

    def sentence(self, observation: Mean) -> str:
        return (
            f"oversight takes {PERCENT.show(observation.value)} of the manager's time"
        )


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
