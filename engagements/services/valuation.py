"""What an engagement comes to over its term."""

from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from engagements.choices import ChargeKind, Kind
from engagements.models import (
    Assignment,
    ChangeOrder,
    Charge,
    Engagement,
    FeeTerm,
    RateTerm,
)
from engagements.values.commitment import Price, committed_fees, committed_time
from engagements.values.periods import ONE_DAY, add_months

# An open-ended engagement counts as long as this.
OPEN_MONTHS = 12


def prices_of(engagement: Engagement) -> list[Price]:
    """Return the monthly fees, or the prices of an hour, with their first days."""
    if engagement.kind == Kind.MANAGED:
        fees = FeeTerm.objects.filter(contract_id=engagement.pk)
        return [Price(fee.starts_on, fee.monthly_fee) for fee in fees]
    rates = RateTerm.objects.filter(assignment_id=engagement.pk)
    return [Price(rate.starts_on, rate.hourly_rate) for rate in rates]


def value_of(engagement: Engagement) -> Decimal | None:
    """Return the value of the current term, in the engagement's currency.

    That is its fees by days in force, or planned hours by working days by rate, with
    milestones, one-off charges and change orders in force of that term; an open end
    counts as 12 months. Units come on top of it as they are used; see
    `queries.with_units`. None where no price is recorded.
    """
    prices = prices_of(engagement)
    if not prices:
        return None
    first = engagement.term_starts_on
    last = engagement.term_ends_on or add_months(first, OPEN_MONTHS) - ONE_DAY
    if engagement.kind == Kind.MANAGED:
        due = committed_fees(prices, first, last, engagement.currency)
    else:
        due = committed_time(
            prices,
            weekly_hours=_weekly_hours(engagement),
            country=engagement.country,
            first=first,
            last=last,
            currency=engagement.currency,
        )
    return due + _charges(engagement, first) + _changes(engagement, first)


def _weekly_hours(engagement: Engagement) -> Decimal:
    if not isinstance(engagement, Assignment):
        engagement = Assignment.objects.get(pk=engagement.pk)
    hours: Decimal = engagement.planned_weekly_hours
    return hours


def _charges(engagement: Engagement, first: date) -> Decimal:
    in_term = Q(due_on__isnull=True) | Q(due_on__gte=first)
    charges = Charge.objects.filter(
        in_term,
        engagement_id=engagement.pk,
        charge_kind__in=(ChargeKind.MILESTONE, ChargeKind.ONE_OFF),
    )
    return charges.aggregate(due=Sum("amount"))["due"] or Decimal(0)


def _changes(engagement: Engagement, first: date) -> Decimal:
    orders = ChangeOrder.objects.filter(
        engagement_id=engagement.pk, effective_on__gte=first
    ).in_force()
    return sum((order.value_change for order in orders), Decimal(0))
