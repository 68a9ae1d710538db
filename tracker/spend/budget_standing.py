"""How budgets stand: what of them is spent, accrued, committed and asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Kind, Status
from engagements.models import CostCentre, CostSplit, Engagement
from engagements.values.periods import add_months, month_of, months_between
from tracker.spend.models import Basis, Budget, MonthlySpend
from tracker.spend.plan import plans
from tracker.spend.uncounted import Uncounted

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Used:
    """What has been used of a budget, in the reporting currency and without tax.

    `committed` is what active engagements are planned to cost beyond what is posted of
    them, `requested` what those waiting for approval would.
    """

    actual: Decimal = NOTHING
    accrued: Decimal = NOTHING
    committed: Decimal = NOTHING
    requested: Decimal = NOTHING

    @property
    def spent(self) -> Decimal:
        return self.actual + self.accrued

    @property
    def total(self) -> Decimal:
        return self.spent + self.committed

    def committing(self, amount: Decimal) -> Used:
        return self + Used(committed=amount)

    def __add__(self, other: Used) -> Used:
        return Used(
            self.actual + other.actual,
            self.accrued + other.accrued,
            self.committed + other.committed,
            self.requested + other.requested,
        )


Key = tuple[int, date]


@dataclass(frozen=True)
class Standing:
    """One cost centre's fiscal year: budget and use by month, all twelve of them."""

    budget: Budget
    amounts: Mapping[date, Decimal]
    used: Mapping[date, Used]
    # What it pays for that nobody can reckon for want of an exchange rate.
    uncounted: Sequence[Uncounted] = ()

    @property
    def months(self) -> list[date]:
        return fiscal_months(self.budget.year)

    def budgeted(self, until: date | None = None) -> Decimal:
        """Return the year's budget, or that of its months up to one of them."""
        months = _until(self.months, until)
        return sum((self.amounts.get(month, NOTHING) for month in months), NOTHING)

    def used_until(self, until: date | None = None) -> Used:
        months = _until(self.months, until)
        return sum((self.used.get(month, Used()) for month in months), Used())


def _until(months: list[date], until: date | None) -> list[date]:
    return [month for month in months if until is None or month <= until]


def fiscal_year_of(day: date) -> int:
    """Return the year in which the day's fiscal year began."""
    return day.year - int(day.month < settings.FISCAL_YEAR_START_MONTH)


def fiscal_months(year: int) -> list[date]:
    return list(_twelve_from(date(year, settings.FISCAL_YEAR_START_MONTH, 1)))


@cache
def _twelve_from(first: date) -> tuple[date, ...]:
    """Return the months; asked for once a year of every engagement and budget."""
    return tuple(months_between(first, add_months(first, 11)))


def standings(
    budgets: Iterable[Budget], *, but: Collection[int] = (), with_plans: bool = True
) -> list[Standing]:
    """Return how the budgets stand, in their order; a fixed number of queries.

    `but` names engagements whose plans are left out. Without plans only what is
    posted is told.
    """
    found = list(budgets)
    if not found:
        return []
    years = {budget.year for budget in found}
    first = fiscal_months(min(years))[0]
    last = fiscal_months(max(years))[-1]
    centres = {budget.cost_centre_id for budget in found}
    used: dict[Key, Used] = defaultdict(Used)
    for key, posted in _posted(centres, first, last).items():
        used[key] += posted
    left_out: Mapping[Key, Sequence[Uncounted]] = {}
    if with_plans:
        planned, left_out = _planned(centres, first, last, but)
        for key, amount in planned.items():
            used[key] += amount
    amounts = _amounts(found)
    return [
        Standing(
            budget,
            amounts.get(budget.pk, {}),
            {
                month: used[budget.cost_centre_id, month]
                for month in fiscal_months(budget.year)
            },
            sorted(
                {
                    one
                    for month in fiscal_months(budget.year)
                    for one in left_out.get((budget.cost_centre_id, month), ())
                }
            ),
        )
        for budget in found
    ]


def _amounts(budgets: list[Budget]) -> dict[int, dict[date, Decimal]]:
    rows = Budget.objects.filter(pk__in=[budget.pk for budget in budgets])
    found: dict[int, dict[date, Decimal]] = defaultdict(dict)
    for pk, month, amount in rows.filter(months__isnull=False).values_list(
        "pk", "months__month", "months__amount"
    ):
        found[pk][month] = amount
    return found


def _posted(centres: Collection[int], first: date, last: date) -> dict[Key, Used]:
    rows = (
        MonthlySpend.objects.filter(
            cost_centre_id__in=centres, month__range=(first, last)
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .values_list("cost_centre_id", "month")
        .annotate(
            actual=Sum("reporting_amount", filter=Q(basis=Basis.ACTUAL)),
            accrued=Sum("reporting_amount", filter=Q(basis=Basis.ACCRUED)),
        )
        .order_by()
    )
    return {
        (centre, month): Used(actual or NOTHING, accrued or NOTHING)
        for centre, month, actual, accrued in rows
    }


def _planned(
    centres: Collection[int], first: date, last: date, but: Collection[int]
) -> tuple[dict[Key, Used], dict[Key, list[Uncounted]]]:
    """Return what is committed and asked for, beyond what is posted of it.

    A contractor's months that have passed are done: hours not logged are not owed. A
    fee of a month that has passed is owed until it is billed. Beside it stands what
    no exchange rate is known for.
    """
    engagements = _paid_by(centres, last, but)
    planned = plans(engagements, first=first, last=last)
    posted = _posted_of(engagements, first, last)
    this_month = month_of(timezone.localdate())
    found: dict[Key, Used] = defaultdict(Used)
    for engagement in engagements:
        is_agreed = engagement.status == Status.ACTIVE
        for (centre, month), amount in planned.of.get(engagement.pk, {}).items():
            is_done = month < this_month and engagement.kind == Kind.AUGMENTED
            if centre not in centres or is_done:
                continue
            spent = posted.get((engagement.pk, centre, month), NOTHING)
            left = max(amount - spent, NOTHING)
            found[centre, month] += (
                Used(committed=left) if is_agreed else Used(requested=left)
            )
    left_out: dict[Key, list[Uncounted]] = defaultdict(list)
    for one, keys in planned.uncounted.items():
        for key in keys:
            left_out[key].append(one)
    return found, left_out


def _paid_by(
    centres: Collection[int], last: date, but: Collection[int]
) -> list[Engagement]:
    """Return what is agreed or asked for and paid by any of the cost centres."""
    splits = CostSplit.objects.filter(engagement=OuterRef("pk"))
    pays = Q(Exists(splits.filter(shares__cost_centre__in=centres)))
    unallocated = CostCentre.objects.filter(code=CostCentre.UNALLOCATED, pk__in=centres)
    if unallocated.exists():
        pays |= ~Q(Exists(splits))
    return list(
        Engagement.objects.filter(
            pays,
            status__in=(Status.ACTIVE, Status.PENDING_APPROVAL),
            starts_on__lt=add_months(last, 1),
        )
        .exclude(pk__in=but)
        .order_by("pk")
    )


def _posted_of(
    engagements: Collection[Engagement], first: date, last: date
) -> dict[tuple[int, int, date], Decimal]:
    rows = (
        MonthlySpend.objects.filter(
            engagement_id__in=[engagement.pk for engagement in engagements],
            month__range=(first, last),
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .values_list("engagement_id", "cost_centre_id", "month")
        .annotate(spent=Sum("reporting_amount"))
        .order_by()
    )
    return {(pk, centre, month): spent for pk, centre, month, spent in rows}
