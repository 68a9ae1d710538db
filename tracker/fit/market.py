"""What an hour of outside work costs us, and how much of a fee is used by it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median

from django.db.models import OuterRef, Subquery, Sum

from engagements.choices import Kind, Status
from engagements.models import Assignment, RateTerm
from engagements.values.periods import add_months
from tracker.fit.queries import Scope
from tracker.spend.models import MonthlySpend, WorkLog

# Below so many prices of our own "what an hour costs elsewhere" says nothing.
LEAST_RATES = 3


@dataclass(frozen=True)
class Used:
    """The hours of a fee's whole months, and what hours like these cost elsewhere.

    `rates` are the hourly rates of our running contractors, in the fee's currency.
    """

    hours: Decimal
    fee: Decimal
    rates: Sequence[Decimal]

    @property
    def share(self) -> float:
        """The value of the hours at the middle rate, as part of the fee."""
        return float(self.hours * median(self.rates) / self.fee)

    def chance_below(self, share: float) -> float:
        """The chance that another contractor's price puts the value below the share.

        A rate's rank among n has the mean (k + ½)/(n + 1): few prices are never sure.
        """
        below = sum(
            self.hours * rate < Decimal(str(share)) * self.fee for rate in self.rates
        )
        return (below + 0.5) / (len(self.rates) + 1)


def hourly_rates(as_of: date) -> Mapping[str, Sequence[Decimal]]:
    """Each running contractor's rate in force, by currency that has three or more."""
    in_force = (
        RateTerm.objects.filter(assignment=OuterRef("pk"), starts_on__lte=as_of)
        .order_by("-starts_on")
        .values("pk")[:1]
    )
    running = Assignment.objects.filter(status=Status.ACTIVE, starts_on__lte=as_of)
    terms = RateTerm.objects.filter(
        pk__in=running.annotate(term=Subquery(in_force)).values("term"), rate__gt=0
    ).select_related("assignment")
    found: dict[str, list[Decimal]] = defaultdict(list)
    for term in terms:
        found[term.assignment.currency].append(term.hourly_rate)
    return {
        currency: sorted(rates)
        for currency, rates in found.items()
        if len(rates) >= LEAST_RATES
    }


def used_fees(scope: Scope) -> Mapping[int, Used]:
    """By managed engagement: those with hours, spend and comparable prices."""
    rates = hourly_rates(scope.as_of)
    last = scope.last_complete_month
    first = add_months(last, 1 - scope.months)
    managed = scope.engagements.filter(kind=Kind.MANAGED).order_by()
    currencies = dict(managed.values_list("pk", "currency"))
    spent = (
        MonthlySpend.objects.filter(
            engagement__in=managed.values("pk"), month__range=(first, last)
        )
        .exclude(charge_kind="tax")
        .order_by()
        .values_list("engagement_id")
        .annotate(amount=Sum("amount"))
    )
    worked = dict(
        WorkLog.objects.counted()
        .filter(
            engagement__in=managed.values("pk"),
            worked_on__gte=first,
            worked_on__lt=add_months(last, 1),
        )
        .order_by()
        .values_list("engagement_id")
        .annotate(hours=Sum("hours"))
    )
    return {
        engagement: Used(worked[engagement], amount, rates[currencies[engagement]])
        for engagement, amount in spent
        if engagement in worked and amount > 0 and currencies[engagement] in rates
    }
