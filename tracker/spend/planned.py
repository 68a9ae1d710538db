"""What spend is held against: what was planned of it, and what was budgeted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from engagements.choices import Status
from engagements.models import CostCentre, Engagement
from engagements.permissions import sees_money
from tracker.spend.models import BudgetMonth, budget_scope
from tracker.spend.plan import plans
from tracker.spend.queries import SpendWhere, engagements_where
from tracker.spend.uncounted import Uncounted, without_rate

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from engagements.models import User

# What never came about was no plan of ours.
NEVER_AGREED = (Status.DRAFT, Status.PENDING_APPROVAL, Status.CANCELLED)


@dataclass(frozen=True)
class PlannedPart:
    """What one engagement is planned to cost one cost centre in the months asked."""

    engagement: Engagement
    cost_centre: str
    amount: Decimal


@dataclass(frozen=True)
class BudgetPart:
    """What one cost centre may spend in the months asked for."""

    cost_centre: str
    department_id: int | None
    amount: Decimal


def planned_parts(
    user: User, where: SpendWhere, first: date, last: date
) -> list[PlannedPart]:
    """Return the plans of the months, in the reporting currency; fixed in queries.

    What no exchange rate is known for is left out: `plans_without_rate` tells it.
    """
    if not sees_money(user) or where.basis:
        return []
    engagements = list(
        _agreed(user, where).select_related("vendor", "service").order_by("pk")
    )
    codes = dict(CostCentre.objects.values_list("pk", "code"))
    planned = plans(engagements, first=first, last=last).of
    return [
        PlannedPart(engagement, codes.get(centre, ""), amount)
        for engagement in engagements
        for (centre, _month), amount in planned.get(engagement.pk, {}).items()
        if where.cost_centre_id in (None, centre)
    ]


def plans_without_rate(
    user: User, where: SpendWhere, *, today: date
) -> list[Uncounted]:
    """Return what plans leave out, since no exchange rate is known for it today."""
    if not sees_money(user) or where.basis:
        return []
    return without_rate(_agreed(user, where), today)


def _agreed(user: User, where: SpendWhere) -> QuerySet[Engagement]:
    return engagements_where(user, where).exclude(status__in=NEVER_AGREED)


def budget_parts(
    user: User, where: SpendWhere, first: date, last: date
) -> Iterator[BudgetPart]:
    """Yield the budgets of the months that the user may see, by month."""
    rows = BudgetMonth.objects.filter(
        budget_scope(user, prefix="budget__"), month__range=(first, last)
    )
    if where.department_ids is not None:
        rows = rows.filter(
            budget__cost_centre__department__in=sorted(where.department_ids)
        )
    if where.cost_centre_id is not None:
        rows = rows.filter(budget__cost_centre=where.cost_centre_id)
    for row in rows.values_list(
        "budget__cost_centre__code", "budget__cost_centre__department_id", "amount"
    ):
        yield BudgetPart(*row)
