"""What other assumptions about money would make of the savings that are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from tracker.fit.models import Assessment, Policy
from tracker.fit.portfolio import worth_of
from tracker.fit.queries import judged_on
from tracker.fit.services.costing import assumed, figures_again
from tracker.fit.services.policies import assumptions_of

AT_ONCE = 1000
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Savings:
    """What going over would save a month, now and then, over all that is priced.

    The sums are of each engagement's middle saving, in the reporting currency, at the
    rates of its postings. `would_save` come from a loss to a saving by going over,
    `would_lose` the other way.
    """

    priced: int
    before: Decimal
    after: Decimal
    would_save: int
    would_lose: int


def savings_under(*, policy: Policy, present: Policy) -> Savings | None:
    """The savings under the policy's assumptions; None where those are in force.

    Of all that runs, by its latest assessment: one query, whatever there is. An
    assumption that our own records gave stands, unless the policy sets it by hand.
    """
    if policy.assumptions == present.assumptions:
        return None
    newest = Assessment.objects.filter(engagement=OuterRef("engagement")).order_by(
        "-as_of", "-policy__version"
    )
    stored = Assessment.objects.filter(
        engagement__in=judged_on(timezone.localdate()).order_by().values("pk"),
        pk=Subquery(newest.values("pk")[:1]),
        money__isnull=False,
    ).values_list("money", flat=True)
    told = [
        (before.p50, after.p50)
        for money in stored.iterator(chunk_size=AT_ONCE)
        if money
        for before, after in ((worth_of(money), worth_of(_repriced(money, policy))),)
        if before is not None and after is not None
    ]
    return Savings(
        priced=len(told),
        before=sum((before for before, _after in told), NOTHING),
        after=sum((after for _before, after in told), NOTHING),
        would_save=sum(before <= 0 < after for before, after in told),
        would_lose=sum(after <= 0 < before for before, after in told),
    )


def _repriced(money: Mapping[str, Any], policy: Policy) -> dict[str, Any] | None:
    """A stored switch with its figures under the policy's assumptions."""
    own = {
        row["code"]: row
        for row in money["assumed"]
        if row["is_own"] and row["code"] not in policy.assumptions
    }
    assumed_now = [own.get(one.code) or assumed(one) for one in assumptions_of(policy)]
    figures = figures_again({**money, "assumed": assumed_now})
    return {**money, **figures} if figures else None
