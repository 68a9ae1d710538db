"""How fees and rates moved from one fiscal year to the next, like for like.

Compared is the same engagement's fee or rate: on the last day before the fiscal year,
and on the year's last day, or today where the year still runs. What wasn't in force on
both days is no comparison: a new contract is no price rise. A rate whose unit changed
is compared by the hour.

The weights are what was spent on fees and time in the year: the mean change of many is
what they cost beyond what the same work would have cost at the prices before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from engagements.choices import ChargeKind, RateUnit, Status
from engagements.models import Engagement, FeeTerm, RateTerm
from engagements.permissions import engagement_scope, sees_money
from engagements.values.money import round_money
from engagements.values.periods import ONE_DAY
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import MonthlySpend
from tracker.spend.queries import SpendWhere, engagements_where

if TYPE_CHECKING:
    from engagements.models import User

NOTHING = Decimal(0)
PRICED = (ChargeKind.RECURRING, ChargeKind.TIME)
NEVER_BOUND = (Status.DRAFT, Status.PENDING_APPROVAL, Status.CANCELLED)


@dataclass(frozen=True)
class PriceChange:
    """One engagement's price before and in a fiscal year, in its currency per `unit`.

    `spent` is in the reporting currency: what fees and time of the year came to.
    """

    year: int
    public_id: UUID
    reference: str
    title: str
    kind: str
    vendor_id: UUID
    vendor: str
    currency: str
    unit: str
    before: Decimal
    after: Decimal
    spent: Decimal

    @property
    def share(self) -> Decimal:
        return self.after / self.before - 1

    @property
    def at_price_before(self) -> Decimal:
        """What the year's spend would have been at the price before it, to the cent."""
        if self.after == self.before or not self.after:
            return self.spent
        return round_money(
            self.spent * self.before / self.after, settings.REPORTING_CURRENCY
        )

    @property
    def effect(self) -> Decimal:
        return self.spent - self.at_price_before


@dataclass(frozen=True)
class PriceMove:
    """Many changes together."""

    compared: int
    raised: int
    lowered: int
    spent: Decimal
    effect: Decimal

    @property
    def share(self) -> Decimal | None:
        """The mean change by spend; None where nothing was spent."""
        before = self.spent - self.effect
        return self.effect / before if before > 0 else None


def price_move(changes: Iterable[PriceChange]) -> PriceMove:
    found = list(changes)
    return PriceMove(
        compared=len(found),
        raised=sum(1 for one in found if one.after > one.before),
        lowered=sum(1 for one in found if one.after < one.before),
        spent=sum((one.spent for one in found), NOTHING),
        effect=sum((one.effect for one in found), NOTHING),
    )


@dataclass(frozen=True)
class _Price:
    starts_on: date
    amount: Decimal
    unit: str
    hourly: Decimal


def price_changes(user: User, where: SpendWhere, *, today: date) -> list[PriceChange]:
    """Return every year's changes of what the reader sees, the newest year first.

    Whatever months are asked for; four queries.
    """
    if not sees_money(user):
        return []
    rows = (
        engagements_where(user, where)
        .filter(engagement_scope(user, with_money=True))
        .exclude(status__in=NEVER_BOUND)
        .select_related("vendor")
        .order_by("reference", "pk")
    )
    engagements = list(rows)
    prices = _prices([one.pk for one in engagements])
    spent = _spent(user, where, [one.pk for one in engagements])
    found = [
        change
        for one in engagements
        for change in _changes(one, prices.get(one.pk, ()), spent, today)
    ]
    return sorted(found, key=lambda one: (-one.year, -one.effect, one.reference))


def _prices(ids: Sequence[int]) -> Mapping[int, Sequence[_Price]]:
    found: dict[int, list[_Price]] = defaultdict(list)
    for fee in FeeTerm.objects.filter(contract__in=ids).order_by("starts_on"):
        found[fee.contract_id].append(
            _Price(fee.starts_on, fee.monthly_fee, "month", fee.monthly_fee)
        )
    for rate in RateTerm.objects.filter(assignment__in=ids).order_by("starts_on"):
        found[rate.assignment_id].append(
            _Price(rate.starts_on, rate.rate, rate.unit, rate.hourly_rate)
        )
    return found


def _spent(
    user: User, where: SpendWhere, ids: Sequence[int]
) -> Mapping[tuple[int, int], Decimal]:
    """Return what fees and time of a fiscal year came to, by engagement and year."""
    rows = MonthlySpend.objects.visible_to(user).filter(
        engagement__in=ids, charge_kind__in=PRICED
    )
    if where.cost_centre_id is not None:
        rows = rows.filter(cost_centre=where.cost_centre_id)
    sums = (
        rows.order_by()
        .values_list("engagement_id", "month")
        .annotate(spent=Sum("reporting_amount"))
    )
    found: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for engagement, month, amount in sums:
        found[engagement, fiscal_year_of(month)] += amount
    return found


def _changes(
    one: Engagement,
    prices: Sequence[_Price],
    spent: Mapping[tuple[int, int], Decimal],
    today: date,
) -> Iterator[PriceChange]:
    last_day = min(today, one.ends_on or today)
    for year in range(fiscal_year_of(one.starts_on), fiscal_year_of(today) + 1):
        first = fiscal_months(year)[0]
        end = min(fiscal_months(year + 1)[0] - ONE_DAY, today)
        before, after = _on(prices, first - ONE_DAY), _on(prices, end)
        if before is None or after is None or not before.amount:
            continue
        # In force on both days; what ends within the year is told by what it cost last.
        if one.starts_on >= first or last_day < first:
            continue
        by_hour = before.unit != after.unit
        yield PriceChange(
            year=year,
            public_id=one.public_id,
            reference=one.reference,
            title=one.title,
            kind=one.kind,
            vendor_id=one.vendor.public_id,
            vendor=one.vendor.legal_name,
            currency=one.currency,
            unit=RateUnit.HOUR.value if by_hour else after.unit,
            before=before.hourly if by_hour else before.amount,
            after=after.hourly if by_hour else after.amount,
            spent=spent.get((one.pk, year), NOTHING),
        )


def _on(prices: Sequence[_Price], day: date) -> _Price | None:
    in_force = [price for price in prices if price.starts_on <= day]
    return in_force[-1] if in_force else None
