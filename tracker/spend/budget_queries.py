"""Reads of budgets that surfaces share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from engagements.choices import Role
from engagements.models import CostCentre, Engagement, User
from engagements.models.fields import MoneyField
from engagements.permissions import sees_money
from tracker.spend.budget_standing import Standing, standings
from tracker.spend.models import Budget, budget_scope
from tracker.spend.uncounted import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class BudgetName:
    """A budget as a person knows it."""

    cost_centre: str
    year: int


def budget_names(ids: Collection[int]) -> Mapping[int, BudgetName]:
    rows = Budget.objects.filter(pk__in=ids).select_related("cost_centre")
    return {row.pk: BudgetName(str(row.cost_centre), row.year) for row in rows}


def answerable_for(budget_id: int) -> list[User]:
    """Return who is told of a budget: the head of its department, and finance."""
    budget = (
        Budget.objects.select_related("cost_centre__department__head")
        .filter(pk=budget_id)
        .first()
    )
    if budget is None:
        return []
    department = budget.cost_centre.department
    head = department.head if department else None
    finance: Iterable[User] = User.objects.filter(
        groups__name=Role.FINANCE.value, is_active=True
    ).order_by("pk")
    heads = [head] if head and sees_money(head) else []
    return [*heads, *finance]


def visible_budgets(user: User, year: int) -> QuerySet[Budget]:
    rows = Budget.objects.filter(budget_scope(user), year=year)
    return rows.select_related("cost_centre__department").order_by("cost_centre__code")


def with_total(rows: QuerySet[Budget]) -> QuerySet[Budget]:
    """Annotate `total`, the budget of the whole year."""
    total = Coalesce(Sum("months__amount"), Value(0), output_field=MoneyField())
    return rows.annotate(total=total)


def standings_of(
    user: User,
    year: int,
    *,
    department_ids: frozenset[int] | None = None,
    cost_centre_id: int | None = None,
) -> list[Standing]:
    """Return how the budgets of the year stand that the user may see.

    With all that the cost centre pays, whoever's engagement it is: who answers for a
    budget has to know what it pays for.
    """
    rows = visible_budgets(user, year)
    if department_ids is not None:
        rows = rows.filter(cost_centre__department__in=department_ids)
    if cost_centre_id is not None:
        rows = rows.filter(cost_centre=cost_centre_id)
    return standings(rows)


def uncounted_of(user: User, found: Iterable[Standing]) -> str:
    """Return what the standings leave out for want of a rate, in words.

    Engagements that the user doesn't see are counted and not named.
    """
    left_out = {one for standing in found for one in standing.uncounted}
    if not left_out:
        return ""
    ids = [one.engagement_id for one in left_out if one.engagement_id]
    named = Engagement.objects.visible_to(user).filter(pk__in=ids)
    return in_words(left_out, named=set(named.values_list("pk", flat=True)))


def cost_centres_with_budget(user: User) -> QuerySet[CostCentre]:
    rows = Budget.objects.filter(budget_scope(user))
    return CostCentre.objects.filter(id__in=rows.values("cost_centre_id"))
