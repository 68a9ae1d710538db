"""What engagements are planned to cost, month by month and by cost centre.

Fees by days in force, planned hours by working days by rate, milestones and one-off
charges in the month they are due, change orders in force from their day on: the value
of the term as `engagements.services.valuation` reckons it, laid over the months.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from engagements.choices import ChargeKind, Kind
from engagements.models import (
    Assignment,
    ChangeOrder,
    Charge,
    CostCentre,
    CostSplit,
    Engagement,
    FeeTerm,
    RateTerm,
)
from engagements.values.commitment import Price, committed_fees, committed_time
from engagements.values.money import allocate, round_money
from engagements.values.periods import (
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.spend.fx import Rates
from tracker.spend.uncounted import Uncounted, uncounted

# By cost centre and month, in the reporting currency.
Plan = dict[tuple[int, date], Decimal]
Shares = Sequence[tuple[int, Decimal]]
_DUE_KINDS = (ChargeKind.MILESTONE, ChargeKind.ONE_OFF)


@dataclass
class _Terms:
    """What the plans of some engagements are made of, read at once."""

    prices: dict[int, list[Price]] = field(default_factory=lambda: defaultdict(list))
    weekly_hours: dict[int, Decimal] = field(default_factory=dict)
    charges: dict[int, list[Charge]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[int, list[ChangeOrder]] = field(
        default_factory=lambda: defaultdict(list)
    )
    splits: dict[int, list[tuple[date, Shares]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unallocated: int = 0


@dataclass(frozen=True)
class Plans:
    """Plans by the id of their engagement.

    What no exchange rate is known for has none, and stands in `uncounted` with the
    cost centres and months that its plan is of.
    """

    of: Mapping[int, Plan]
    uncounted: Mapping[Uncounted, frozenset[tuple[int, date]]]


def plans(
    engagements: Sequence[Engagement],
    *,
    first: date,
    last: date,
    without: ChangeOrder | None = None,
) -> Plans:
    """Return the engagements' plans; a fixed number of queries.

    `first` and `last` are first days of months, both included.
    """
    terms = _read(engagements, without)
    rates = Rates()
    today = timezone.localdate()
    found: dict[int, Plan] = {}
    left_out: dict[Uncounted, frozenset[tuple[int, date]]] = {}
    for one in engagements:
        if rates.has(one.currency, today):
            factor = rates.on(one.currency, today).factor
            found[one.pk] = _plan(one, terms, factor, first, last)
        else:
            of_nothing = _plan(one, terms, Decimal(0), first, last)
            left_out[uncounted(one)] = frozenset(of_nothing)
    return Plans(found, left_out)


def plan_of(
    engagement: Engagement,
    *,
    first: date,
    last: date,
    without: ChangeOrder | None = None,
) -> Plan:
    """Return one engagement's plan; raises MissingRateError naming the currency."""
    Rates().on(engagement.currency, timezone.localdate())
    return plans([engagement], first=first, last=last, without=without).of[
        engagement.pk
    ]


def _plan(
    engagement: Engagement, terms: _Terms, factor: Decimal, first: date, last: date
) -> Plan:
    reporting = settings.REPORTING_CURRENCY
    found: Plan = defaultdict(Decimal)
    for month, amount in _by_month(engagement, terms, first, last).items():
        worth = round_money(amount * factor, reporting)
        shares = _shares_on(terms, engagement, month)
        weights = [percent for _centre, percent in shares]
        parts = allocate(worth, weights, reporting)
        for (centre, _percent), part in zip(shares, parts, strict=True):
            found[centre, month] += part
    return dict(found)


def _by_month(
    engagement: Engagement, terms: _Terms, first: date, last: date
) -> Mapping[date, Decimal]:
    """Return the plan in the engagement's own currency."""
    begins = engagement.starts_on
    ends = _last_day(engagement) or last_day_of_month(last)
    found: dict[date, Decimal] = defaultdict(Decimal)
    for month in months_between(max(first, month_of(begins)), min(last, ends)):
        found[month] += _price_of_month(engagement, terms, month, begins, ends)
    for day, amount in _single(engagement, terms, ends):
        month = month_of(max(day, begins))
        if first <= month <= last:
            found[month] += amount
    return {month: amount for month, amount in found.items() if amount}


def _last_day(engagement: Engagement) -> date | None:
    """Return the last day agreed: of the term, or of what still binds."""
    days = (engagement.term_ends_on, engagement.committed_until_on)
    return max((day for day in days if day), default=None) if days[0] else None


def _price_of_month(
    engagement: Engagement, terms: _Terms, month: date, begins: date, ends: date
) -> Decimal:
    first, last = max(month, begins), min(last_day_of_month(month), ends)
    prices = terms.prices[engagement.pk]
    if engagement.kind == Kind.MANAGED:
        return committed_fees(prices, first, last, engagement.currency)
    return committed_time(
        prices,
        weekly_hours=terms.weekly_hours.get(engagement.pk, Decimal(0)),
        country=engagement.country,
        first=first,
        last=last,
        currency=engagement.currency,
    )


def _single(
    engagement: Engagement, terms: _Terms, ends: date
) -> Iterable[tuple[date, Decimal]]:
    """Yield what is due once; without a day it is due with the last one."""
    for charge in terms.charges[engagement.pk]:
        yield charge.due_on or ends, charge.amount
    for order in terms.orders[engagement.pk]:
        yield order.effective_on, order.value_change


def _shares_on(terms: _Terms, engagement: Engagement, month: date) -> Shares:
    """Return who pays on the month's first day in force."""
    day = max(month, engagement.starts_on)
    splits = terms.splits.get(engagement.pk, [])
    begun = [shares for starts_on, shares in splits if starts_on <= day]
    return begun[-1] if begun else [(terms.unallocated, Decimal(100))]


def _read(engagements: Sequence[Engagement], without: ChangeOrder | None) -> _Terms:
    ids = [engagement.pk for engagement in engagements]
    terms = _Terms()
    for fee in FeeTerm.objects.filter(contract_id__in=ids):
        terms.prices[fee.contract_id].append(Price(fee.starts_on, fee.monthly_fee))
    for rate in RateTerm.objects.filter(assignment_id__in=ids):
        price = Price(rate.starts_on, rate.hourly_rate)
        terms.prices[rate.assignment_id].append(price)
    weekly: QuerySet[Assignment] = QuerySet(Assignment).filter(pk__in=ids)
    for assignment in weekly.only("planned_weekly_hours"):
        terms.weekly_hours[assignment.pk] = assignment.planned_weekly_hours
    for charge in Charge.objects.filter(
        engagement_id__in=ids, charge_kind__in=_DUE_KINDS
    ):
        terms.charges[charge.engagement_id].append(charge)
    orders = ChangeOrder.objects.filter(engagement_id__in=ids).in_force()
    if without is not None:
        orders = orders.exclude(pk=without.pk)
    for order in orders:
        terms.orders[order.engagement_id].append(order)
    splits = CostSplit.objects.filter(engagement_id__in=ids).order_by("starts_on")
    for split in splits.prefetch_related("shares"):
        shares = [(share.cost_centre_id, share.percent) for share in split.shares.all()]
        terms.splits[split.engagement_id].append((split.starts_on, shares))
    fallback = CostCentre.objects.filter(code=CostCentre.UNALLOCATED)
    terms.unallocated = fallback.values_list("pk", flat=True).first() or 0
    return terms
