from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from engagements.values.language import gettext as _
from engagements.values.periods import (
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.fit.criterion import PERCENT, registry
from tracker.fit.evidence import Breakpoints, Variation
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.fit.tallies import Key, Tallied
from tracker.spend.models import Basis

LEAST_MONTHS = 3
SPAN = ("engagement__starts_on", "engagement__ends_on")


@dataclass(frozen=True)
class Used:
    """Use by month, with the records behind it, of what ran between two days."""

    starts_on: date
    ends_on: date | None
    months: Mapping[date, tuple[Decimal, int]]


@registry.add
class Steadiness(Tallied[Variation, Used]):
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
        spent = {
            engagement: _series(scope, [used], is_hours=False)
            for (engagement,), used in _spend(scope).items()
        }
        # The later of the two wins: hours say more than invoices do.
        by_spend = {pk: seen for pk, seen in spent.items() if seen is not None}
        return by_spend | dict(super().gather(scope))

    def tallies(self, scope: Scope, *by: str) -> Mapping[Key, Used]:
        rows = (
            scope.work_logs()
            .annotate(month=TruncMonth("worked_on"))
            .values_list("engagement_id", *by, *SPAN, "month")
            .annotate(use=Sum("hours"), records=Count("id"))
        )
        return _used(rows)

    def told(self, scope: Scope, tallies: Sequence[Used]) -> Variation | None:
        return _series(scope, tallies, is_hours=True)

    def sentence(self, observation: Variation) -> str:
        if observation.figures["is_hours"]:
            words = _("monthly hours vary by %(share)s")
        else:
            words = _("monthly spend varies by %(share)s")
        return words % {"share": PERCENT.show(observation.value)}


def _spend(scope: Scope) -> Mapping[Key, Used]:
    rows = (
        scope.monthly_spend()
        .filter(basis=Basis.ACTUAL, month__gte=month_of(scope.starts_on))
        .values_list("engagement_id", *SPAN, "month")
        .annotate(use=Sum("amount"), records=Count("id"))
    )
    return _used(rows)


def _used(rows: Iterable[Sequence[Any]]) -> dict[Key, Used]:
    spans: dict[Key, tuple[date, date | None]] = {}
    months: dict[Key, dict[date, tuple[Decimal, int]]] = defaultdict(dict)
    for *key, starts_on, ends_on, month, use, records in rows:
        spans[tuple(key)] = (starts_on, ends_on)
        months[tuple(key)][month] = (use, records)
    return {key: Used(*spans[key], months[key]) for key in spans}


def _series(scope: Scope, parts: Sequence[Used], *, is_hours: bool) -> Variation | None:
    """How the sum of the parts varies, over what were whole months for all together."""
    starts_on = min(part.starts_on for part in parts)
    ends = [part.ends_on for part in parts if part.ends_on is not None]
    ends_on = max(ends) if len(ends) == len(parts) else None
    uses: dict[date, Decimal] = defaultdict(Decimal)
    records = 0
    for part in parts:
        for month, (use, count) in part.months.items():
            if use > 0 and _is_whole(scope, month, starts_on, ends_on):
                uses[month] += use
                records += count
    series = _with_gaps(uses) if uses else []
    if len(series) < LEAST_MONTHS:
        return None
    return Variation.of(series, records=records, figures={"is_hours": is_hours})


def _is_whole(scope: Scope, month: date, starts_on: date, ends_on: date | None) -> bool:
    last = last_day_of_month(month)
    is_inside = scope.starts_on <= month and month <= scope.last_complete_month
    return is_inside and starts_on <= month and (ends_on is None or ends_on >= last)


def _with_gaps(by_month: Mapping[date, Decimal]) -> Sequence[float]:
    months = months_between(min(by_month), max(by_month))
    return [float(by_month.get(month, 0)) for month in months]
