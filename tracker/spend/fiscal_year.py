"""A fiscal year month by month: spent, to come, committed, budgeted, the year before.

What is spent is of booked months and equals the ledger's; what is to come is reckoned
as the forecast and the budgets reckon it, and only where the year still runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Sum

from engagements.choices import ChargeKind, Status
from engagements.models import Engagement
from engagements.permissions import sees_money
from engagements.values.periods import add_months, month_of
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import BudgetMonth, MonthlySpend, budget_scope
from tracker.spend.outlook import ForecastMonth, YearForecast, forecast_months
from tracker.spend.plan import plans
from tracker.spend.queries import (
    NOTHING,
    SpendParts,
    SpendWhere,
    engagements_where,
    spend_overview,
)
from tracker.spend.uncounted import Uncounted

if TYPE_CHECKING:
    from engagements.models import User

MONTHS = 12
ByMonth = Mapping[date, Decimal]


@dataclass(frozen=True)
class YearMonth:
    """One month, in the reporting currency and without tax.

    `to_come` is what the forecast adds to what is booked, between `low` and `high`;
    `budget` is None where no budget is of the part of the spend that is asked for.
    """

    month: date
    actual: Decimal
    accrued: Decimal
    to_come: Decimal
    low: Decimal
    high: Decimal
    committed: Decimal
    budget: Decimal | None
    previous: Decimal

    @property
    def spent(self) -> Decimal:
        return self.actual + self.accrued

    @property
    def expected(self) -> Decimal:
        return self.spent + self.to_come


def year_meant(last_month: date | None, *, today: date) -> int:
    """Return the fiscal year of the period's last month, but none to come."""
    this_month = month_of(today)
    return fiscal_year_of(min(last_month or this_month, this_month))


@dataclass(frozen=True)
class FiscalMonths:
    """The twelve months; `uncounted` engagements have no exchange rate today."""

    months: Sequence[YearMonth]
    uncounted: Sequence[Uncounted]


def fiscal_year_months(
    user: User, where: SpendWhere, *, year: int, today: date
) -> FiscalMonths:
    """Return the twelve months of the year; fixed in queries."""
    months = fiscal_months(year)
    spent = _booked(user, where, add_months(months[0], -MONTHS), months[-1])
    is_running = months[0] <= month_of(today) <= months[-1]
    committed = committed_by_month(user, where, months, today=today)
    forecast = _forecast(user, where, today) if is_running else YearForecast()
    coming = {row.month: row for row in forecast.months if row.month >= month_of(today)}
    budgets = budget_by_month(user, where, year)
    return FiscalMonths(
        [
            _month(month, spent, coming.get(month), committed.by_month, budgets, where)
            for month in months
        ],
        [*committed.uncounted, *forecast.uncounted],
    )


def _month(
    month: date,
    spent: Mapping[date, SpendParts],
    coming: ForecastMonth | None,
    committed: ByMonth,
    budgets: ByMonth | None,
    where: SpendWhere,
) -> YearMonth:
    parts = spent.get(month, SpendParts())
    bound = committed.get(month, NOTHING)
    if where.cost_centre_id is not None:
        # The forecast knows no cost centres, plans do.
        to_come, below, above = bound, NOTHING, NOTHING
    elif coming is not None:
        to_come = max(coming.accrued - parts.accrued, NOTHING) + coming.planned
        below, above = coming.expected - coming.low, coming.high - coming.expected
    else:
        to_come = below = above = NOTHING
    expected = parts.total + to_come
    return YearMonth(
        month=month,
        actual=parts.total - parts.accrued,
        accrued=parts.accrued,
        to_come=to_come,
        low=expected - below,
        high=expected + above,
        committed=bound,
        budget=None if budgets is None else budgets.get(month, NOTHING),
        previous=spent.get(add_months(month, -MONTHS), SpendParts()).total,
    )


def _booked(
    user: User, where: SpendWhere, first: date, last: date
) -> dict[date, SpendParts]:
    asked = replace(where, first_month=first, last_month=last)
    return {row.month: row.parts for row in spend_overview(user, asked).months}


def _forecast(user: User, where: SpendWhere, today: date) -> YearForecast:
    if where.cost_centre_id is not None:
        return YearForecast()
    return forecast_months(user, where, today=today)


def budget_by_month(
    user: User, where: SpendWhere, year: int
) -> dict[date, Decimal] | None:
    """Return the budgets of the year summed by month.

    None where there are none in sight, or where the spend asked for is less than what
    they are of: that of a vendor, an engagement, a service, a model or a basis.
    """
    if where.is_narrower_than_budgets:
        return None
    rows = BudgetMonth.objects.filter(
        budget_scope(user, prefix="budget__"), budget__year=year
    )
    if where.department_ids is not None:
        rows = rows.filter(
            budget__cost_centre__department__in=sorted(where.department_ids)
        )
    if where.cost_centre_id is not None:
        rows = rows.filter(budget__cost_centre=where.cost_centre_id)
    sums = rows.order_by().values_list("month").annotate(total=Sum("amount"))
    found = dict(sums)
    return found or None


@dataclass(frozen=True)
class CommittedMonths:
    by_month: ByMonth = field(default_factory=dict)
    uncounted: Sequence[Uncounted] = ()


def committed_by_month(
    user: User, where: SpendWhere, months: list[date], *, today: date
) -> CommittedMonths:
    """Return what active engagements are planned to cost beyond what is posted.

    By month of service, from this month on; a fee that is not billed yet is told where
    it is accrued.
    """
    first = max(months[0], month_of(today))
    if not sees_money(user) or first > months[-1] or where.basis:
        return CommittedMonths()
    active = list(
        engagements_where(user, where).filter(status=Status.ACTIVE).order_by("pk")
    )
    planned = plans(active, first=first, last=months[-1])
    posted = _posted(active, first, months[-1])
    found: dict[date, Decimal] = defaultdict(lambda: NOTHING)
    for engagement, plan in planned.of.items():
        for (centre, month), amount in plan.items():
            if where.cost_centre_id in (None, centre):
                spent = posted.get((engagement, centre, month), NOTHING)
                found[month] += max(amount - spent, NOTHING)
    left_out = [
        one
        for one, paid_by in planned.uncounted.items()
        if any(where.cost_centre_id in (None, centre) for centre, _month in paid_by)
    ]
    return CommittedMonths(dict(found), left_out)


def _posted(
    engagements: list[Engagement], first: date, last: date
) -> dict[tuple[int, int, date], Decimal]:
    rows = (
        MonthlySpend.objects.filter(
            engagement__in=[one.pk for one in engagements], month__range=(first, last)
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id", "cost_centre_id", "month")
        .annotate(spent=Sum("reporting_amount"))
    )
    return {(pk, centre, month): spent for pk, centre, month, spent in rows}
