"""What a breakdown is held against: earlier months, budgets, or plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.values.periods import add_months, count_months
from tracker.dashboards.findings import period_text
from tracker.dashboards.periods import Period
from tracker.dashboards.scope import BUDGET, LAST_YEAR, PLAN, PREVIOUS, Scope
from tracker.spend.planned import budget_parts, planned_parts, plans_without_rate
from tracker.spend.queries import NOTHING
from tracker.spend.uncounted import in_words

if TYPE_CHECKING:
    from tracker.dashboards.breakdown import Breakdown

COMPARISON_TITLES: Mapping[str, object] = {
    "": gettext_lazy("Not compared"),
    PREVIOUS: gettext_lazy("With the months before"),
    LAST_YEAR: gettext_lazy("With the year before"),
    BUDGET: gettext_lazy("With the budget"),
    PLAN: gettext_lazy("With the plan"),
}


def compared_amounts(report: Breakdown) -> dict[str, Decimal]:
    """Return what each entry is held against, by the entry's key."""
    found: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for key, amount in _amounts(report):
        if key is not None:
            found[key] += amount
    return dict(found)


def _amounts(report: Breakdown) -> Iterator[tuple[str | None, Decimal]]:
    scope = report.scope
    first, last = scope.period.first, scope.period.last
    if first is None or last is None:
        return
    if scope.compare == BUDGET:
        for budget in budget_parts(scope.user, scope.where, first, last):
            yield report.key_budgeted(budget), budget.amount
    elif scope.compare == PLAN:
        for part in planned_parts(scope.user, scope.where, first, last):
            yield report.key_planned(part), part.amount
    else:
        for entry in type(report)(_earlier(scope)).entries:
            yield entry.key, entry.parts.total


def earlier_period(scope: Scope) -> Period:
    """Return as many months before, or the same months of the year before."""
    first, last = scope.period.first, scope.period.last
    if first is None or last is None:
        return scope.period
    back = 12 if scope.compare == LAST_YEAR else count_months(first, last)
    return Period(add_months(first, -back), add_months(last, -back))


def _earlier(scope: Scope) -> Scope:
    period = earlier_period(scope)
    where = replace(scope.where, first_month=period.first, last_month=period.last)
    return replace(scope, period=period, where=where, compare="")


def compared_note(scope: Scope) -> str:
    if scope.compare in (PREVIOUS, LAST_YEAR):
        months = period_text(earlier_period(scope), scope.notation)
        return _("Compared with %(months)s.") % {"months": months}
    if scope.compare == BUDGET:
        return _("Compared with the budgets of these months.")
    said = _(
        "Compared with the plan of these months: fees by day, planned hours at the rate"
        " and milestones, as agreed, at today's rates of exchange."
    )
    today = timezone.localdate()
    left_out = plans_without_rate(scope.user, scope.where, today=today)
    return f"{said} {in_words(left_out)}".strip()
