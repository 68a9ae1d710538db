"""Shares and variations of hours, by engagement, for patterns that pool them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth

from engagements.values.periods import months_between
from tracker.fit.evidence import HOURS_OVERDISPERSION, Variation
from tracker.fit.queries import Scope
from tracker.spend.models import AssignedBy


@dataclass(frozen=True)
class Directed:
    """Hours of work logs that say who assigned them, and those that we assigned."""

    ours: float = 0.0
    whole: float = 0.0
    records: int = 0

    def __add__(self, other: "Directed") -> "Directed":
        return Directed(
            self.ours + other.ours,
            self.whole + other.whole,
            self.records + other.records,
        )

    @property
    def share(self) -> float | None:
        return self.ours / self.whole if self.whole else None

    def chance_above(self, share: float) -> float:
        """The chance that more than `share` is ours, knowing nothing beforehand."""
        from scipy.special import betaincc

        alpha = 1 + self.ours / HOURS_OVERDISPERSION
        beta = 1 + (self.whole - self.ours) / HOURS_OVERDISPERSION
        return float(betaincc(alpha, beta, share))


def directed_hours(scope: Scope) -> Mapping[int, Directed]:
    rows = (
        scope.work_logs()
        .exclude(assigned_by="")
        .values_list("engagement_id")
        .annotate(
            ours=Sum("hours", filter=Q(assigned_by=AssignedBy.CLIENT)),
            whole=Sum("hours"),
            logs=Count("id"),
        )
    )
    return {
        engagement: Directed(float(ours or 0), float(whole), logs)
        for engagement, ours, whole, logs in rows
    }


# Hours by month.
Months = Mapping[date, float]


def monthly_hours(scope: Scope) -> Mapping[int, Months]:
    """Hours of the whole months of the window, by engagement."""
    rows = (
        scope.work_logs()
        .filter(worked_on__gte=scope.starts_on)
        .annotate(month=TruncMonth("worked_on"))
        .values_list("engagement_id", "month")
        .annotate(worked=Sum("hours"))
    )
    found: dict[int, dict[date, float]] = defaultdict(dict)
    for engagement, month, worked in rows:
        if scope.starts_on <= month <= scope.last_complete_month:
            found[engagement][month] = float(worked)
    return found


def variation(series: Iterable[Months], *, least_months: int) -> Variation | None:
    """How the sum of the series varies, from its first month to its last."""
    pooled: dict[date, float] = defaultdict(float)
    for months in series:
        for month, hours in months.items():
            pooled[month] += hours
    if not pooled:
        return None
    span = list(months_between(min(pooled), max(pooled)))
    if len(span) < least_months:
        return None
    return Variation.of([pooled.get(m, 0.0) for m in span], records=len(pooled))
