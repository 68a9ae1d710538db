"""Budgets summed up the tree of departments, cost centres without one included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Q, Sum

from engagements.choices import ChargeKind
from engagements.models import CostCentre, Department
from engagements.permissions import departments_under, sees_all, sees_money
from tracker.spend.budget_queries import visible_budgets
from tracker.spend.budget_standing import Standing, Used, fiscal_months, standings
from tracker.spend.models import Budget, MonthlySpend

if TYPE_CHECKING:
    from engagements.models import User

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Burn:
    """What some cost centres have of a fiscal year's budget, and what they use of it.

    In the reporting currency, by month of service. `forecast` is what is posted and
    what active engagements are still planned to cost; `left` below zero is too much.
    """

    budget: Decimal = NOTHING
    budget_to_date: Decimal = NOTHING
    spent_to_date: Decimal = NOTHING
    used: Used = field(default_factory=Used)

    @property
    def forecast(self) -> Decimal:
        return self.used.total

    @property
    def left(self) -> Decimal:
        return self.budget - self.forecast

    def __add__(self, other: Burn) -> Burn:
        return Burn(
            self.budget + other.budget,
            self.budget_to_date + other.budget_to_date,
            self.spent_to_date + other.spent_to_date,
            self.used + other.used,
        )


@dataclass(frozen=True)
class Node:
    """A department with all below it, or a cost centre: `department` tells which."""

    code: str
    name: str
    standings: Sequence[Standing]
    department: Department | None = None

    @property
    def has_budget(self) -> bool:
        return any(one.budget.pk for one in self.standings)

    def burn(self, until: date) -> Burn:
        return burn_of(self.standings, until)


def burn_of(found: Iterable[Standing], until: date) -> Burn:
    """Return the sum; `until` is the last month of “to date”."""
    burns = (
        Burn(
            one.budgeted(),
            one.budgeted(until),
            one.used_until(until).spent,
            one.used_until(),
        )
        for one in found
    )
    return sum(burns, Burn())


def month_burn(found: Iterable[Standing], month: date) -> Burn:
    """Return what the cost centres have and use of one month."""
    burns = (
        Burn(
            one.amounts.get(month, NOTHING),
            one.budgeted(month),
            one.used[month].spent,
            one.used[month],
        )
        for one in found
    )
    return sum(burns, Burn())


def year_standings(
    user: User,
    year: int,
    *,
    department_ids: frozenset[int] | None = None,
    cost_centre_id: int | None = None,
) -> list[Standing]:
    """Return how the cost centres stand that the user answers for or sees all of.

    One without a budget has a standing too, where anything of the year was booked on
    it: its budget is unsaved. With all that each pays, as for `standings_of`.
    """
    if not sees_money(user):
        return []
    asked = Q()
    if department_ids is not None:
        asked &= Q(cost_centre__department__in=department_ids)
    if cost_centre_id is not None:
        asked &= Q(cost_centre=cost_centre_id)
    budgets = list(visible_budgets(user, year).filter(asked))
    centres = _without(user, year, asked, {one.cost_centre_id for one in budgets})
    return standings(
        [*budgets, *(Budget(cost_centre=one, year=year) for one in centres)]
    )


def _without(user: User, year: int, asked: Q, known: set[int]) -> Sequence[CostCentre]:
    """Return the cost centres that spend in the year without having a budget."""
    months = fiscal_months(year)
    rows = MonthlySpend.objects.filter(asked, month__range=(months[0], months[-1]))
    if not sees_all(user):
        rows = rows.filter(cost_centre__department__in=departments_under(user))
    ids = (
        rows.exclude(charge_kind=ChargeKind.TAX)
        .exclude(cost_centre__in=known)
        .order_by()
        .values("cost_centre")
        .distinct()
    )
    return list(
        CostCentre.objects.filter(pk__in=ids)
        .select_related("department")
        .order_by("code")
    )


def children(user: User, found: Sequence[Standing], *, of: str = "") -> list[Node]:
    """Return what stands directly below a department, which sums to it exactly.

    `of` is its code; blank asks for the top of what the user sees, where a department
    that stands alone gives way to what is below it. Departments without any such cost
    centre below them are left out.
    """
    departments = {one.pk: one for one in _departments(user)}
    parent = next((one.pk for one in departments.values() if one.code == of), None)
    nodes = _below(found, departments, parent)
    alone = [one for one in nodes if one.department is not None]
    if not of and len(alone) == 1:
        nodes.remove(alone[0])
        top = alone[0].department.pk if alone[0].department else None
        nodes += _below(alone[0].standings, departments, top)
    return nodes


def _below(
    found: Sequence[Standing], departments: Mapping[int, Department], parent: int | None
) -> list[Node]:
    def top(department_id: int | None) -> int | None:
        """Return the department below `parent` that this one belongs to."""
        while department_id is not None and department_id != parent:
            above = departments[department_id].parent_id
            if above == parent or above not in departments:
                return department_id
            department_id = above
        return None

    by_department: dict[int, list[Standing]] = {}
    nodes = []
    for one in found:
        centre = one.budget.cost_centre
        below = top(centre.department_id)
        if below is None:
            nodes.append(Node(centre.code, str(centre), [one]))
        else:
            by_department.setdefault(below, []).append(one)
    for pk, below_it in by_department.items():
        of_it = departments[pk]
        nodes.append(Node(of_it.code, of_it.name, below_it, of_it))
    return nodes


def _departments(user: User) -> Iterable[Department]:
    rows = Department.objects.order_by("name", "id")
    return rows if sees_all(user) else rows.filter(pk__in=departments_under(user))


@dataclass(frozen=True)
class PaidEngagement:
    public_id: str
    reference: str
    title: str
    vendor: str
    spent: Decimal


def paid_engagements(
    user: User, year: int, cost_centre_ids: Iterable[int]
) -> list[PaidEngagement]:
    """Return what the cost centres paid in the year, by engagement that the user sees.

    Who answers for a budget is told its whole use; of whose engagements it was, only
    those of which they see the money are named.
    """
    months = fiscal_months(year)
    rows = (
        MonthlySpend.objects.visible_to(user)
        .filter(
            cost_centre__in=list(cost_centre_ids), month__range=(months[0], months[-1])
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list(
            "engagement__public_id",
            "engagement__reference",
            "engagement__title",
            "engagement__vendor__legal_name",
        )
        .annotate(spent=Sum("reporting_amount"))
    )
    found = [PaidEngagement(str(public_id), *rest) for public_id, *rest in rows]
    return sorted(found, key=lambda one: (-one.spent, one.reference))
