"""How much of the work has a measured outcome, for a criterion and a pattern."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from engagements.choices import ChargeKind
from engagements.models import Charge
from engagements.values.periods import ONE_DAY, months_between
from tracker.fit.evidence import Share
from tracker.fit.queries import Scope
from tracker.performance.queries import measured_months


def measured_shares(scope: Scope) -> Mapping[int, Share]:
    """Hours of the months in which an outcome was measured, of all whole months.

    By engagement id; those without any measured outcome are left out.
    """
    months = _months_with_outcome(scope)
    parts: dict[int, list[float]] = {}
    for engagement, month, hours, logs in _hours(scope):
        if engagement not in months or month > scope.last_complete_month:
            continue
        sums = parts.setdefault(engagement, [0.0, 0.0, 0.0])
        sums[0] += float(hours) if month in months[engagement] else 0.0
        sums[1] += float(hours)
        sums[2] += logs
    return {
        engagement: Share(part=part, whole=whole, records=int(logs))
        for engagement, (part, whole, logs) in parts.items()
    }


def _hours(scope: Scope) -> Iterable[tuple[int, date, Decimal, int]]:
    return (
        scope.work_logs()
        .annotate(month=TruncMonth("worked_on"))
        .values_list("engagement_id", "month")
        .annotate(hours=Sum("hours"), logs=Count("id"))
    )


def _months_with_outcome(scope: Scope) -> dict[int, set[date]]:
    """Months of measured service levels, and those worked towards what was accepted."""
    months = measured_months(scope.ids, scope.starts_on, scope.as_of)
    since: dict[int, date] = {}
    accepted = (
        Charge.objects.filter(
            engagement__in=scope.ids,
            charge_kind=ChargeKind.MILESTONE,
            accepted_on__lte=scope.as_of,
        )
        .order_by("engagement_id", "accepted_on")
        .values_list("engagement_id", "engagement__starts_on", "accepted_on")
    )
    for engagement, starts_on, accepted_on in accepted:
        if accepted_on is None:
            continue
        first = since.get(engagement, starts_on)
        if accepted_on >= scope.starts_on:
            worked = months_between(max(first, scope.starts_on), accepted_on)
            months.setdefault(engagement, set()).update(worked)
        since[engagement] = accepted_on + ONE_DAY
    return months
