from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from engagements.values.language import gettext as _
from engagements.values.periods import (
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.fit.criterion import PERCENT, Criterion, registry
from tracker.fit.evidence import Breakpoints, Variation
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.spend.models import Basis

LEAST_MONTHS = 3
# engagement, its first and last day, month, use, records
Row = tuple[int, date, date | None, date, Decimal, int]


@registry.add
class Steadiness(Criterion[Variation]):
    """How much use varies from month to month: by hours, or by spend without logs.

    Only whole months count, from the first with any use to the last: a month that
    began or ended half-way, or whose timesheets are still on their way, is not a
    quiet one.
    """

    code = "steadiness"
    label = "Steadiness of use"
    question = "Is the same amount of work needed every month?"
    dimension = "cost structure"
    importance = 1.0
    breakpoints = Breakpoints(
        points=((0.10, 1.0), (0.25, 0.0), (0.50, -1.0)),
        source="XYZ classes of demand: X up to 10 %, Y up to 25 %, Z above",
    )
    unit = PERCENT
    quantity = "the monthly variation"
    how_to_record = "Log work, or post invoices, for at least three whole months."
    rows = "worklog"
    scale = Scale(kind="variation", most=10.0)

    def gather(self, scope: Scope) -> Mapping[int, Variation]:
        # The later of the two wins: hours say more than invoices do.
        return _series(scope, _spend(scope), is_hours=False) | _series(
            scope, _hours(scope), is_hours=True
        )

    def sentence(self, observation: Variation) -> str:
        if observation.figures["is_hours"]:
            words = _("monthly hours vary by %(share)s")
        else:
            words = _("monthly spend varies by %(share)s")
        return words % {"share": PERCENT.show(observation.value)}


def _hours(scope: Scope) -> Iterable[Row]:
    return (
        scope.work_logs()
        .annotate(month=TruncMonth("worked_on"))
        .values_list(
            "engagement_id", "engagement__starts_on", "engagement__ends_on", "month"
        )
        .annotate(use=Sum("hours"), records=Count("id"))
    )


def _spend(scope: Scope) -> Iterable[Row]:
    return (
        scope.monthly_spend()
        .filter(basis=Basis.ACTUAL, month__gte=month_of(scope.starts_on))
        .values_list(
            "engagement_id", "engagement__starts_on", "engagement__ends_on", "month"
        )
        .annotate(use=Sum("amount"), records=Count("id"))
    )


def _series(
    scope: Scope, rows: Iterable[Row], *, is_hours: bool
) -> dict[int, Variation]:
    uses: dict[int, dict[date, float]] = defaultdict(dict)
    records: dict[int, int] = defaultdict(int)
    for engagement, starts_on, ends_on, month, use, count in rows:
        if use > 0 and _is_whole(scope, month, starts_on, ends_on):
            uses[engagement][month] = float(use)
            records[engagement] += count
    return {
        engagement: Variation.of(
            _with_gaps(by_month),
            records=records[engagement],
            figures={"is_hours": is_hours},
        )
        for engagement, by_month in uses.items()
        if len(_with_gaps(by_month)) >= LEAST_MONTHS
    }


def _is_whole(scope: Scope, month: date, starts_on: date, ends_on: date | None) -> bool:
    last = last_day_of_month(month)
    is_inside = scope.starts_on <= month and month <= scope.last_complete_month
    return is_inside and starts_on <= month and (ends_on is None or ends_on >= last)


def _with_gaps(by_month: Mapping[date, float]) -> Sequence[float]:
    months = months_between(min(by_month), max(by_month))
    return [by_month.get(month, 0.0) for month in months]
