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
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.models import BudgetMonth, budget_scope
from tracker.spend.plan import plans
from tracker.spend.queries import SpendWhere, engagements_where

if TYPE_CHECKING:
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
    user: User, where: SpendWhere, first: date, last: date, *, today: date
) -> list[PlannedPart]:
    """Return the plans of the months, in the reporting currency; fixed in queries.

    What no exchange rate is known for is left out, as the forecast does.
    """
    if not sees_money(user) or where.basis:
        return []
    rows = (
        engagements_where(user, where)
        .exclude(status__in=NEVER_AGREED)
        .select_related("vendor", "service")
        .order_by("pk")
    )
    engagements = with_rate(list(rows), today)
    codes = dict(CostCentre.objects.values_list("pk", "code"))
    planned = plans(engagements, first=first, last=last)
    return [
        PlannedPart(engagement, codes.get(centre, ""), amount)
        for engagement in engagements
        for (centre, _month), amount in planned[engagement.pk].items()
        if where.cost_centre_id in (None, centre)
    ]


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


def with_rate(engagements: list[Engagement], today: date) -> list[Engagement]:
    """Leave out engagements in currencies without an exchange rate."""
    rates = Rates()

    def is_known(currency: str) -> bool:
        try:
            rates.on(currency, today)
        except MissingRateError:
            return False
        return True

    known = {code for code in {one.currency for one in engagements} if is_known(code)}
    return [one for one in engagements if one.currency in known]
