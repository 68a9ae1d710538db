from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from django.db.models import Count, Q, Sum

from engagements.choices import Kind, Origin
from engagements.models import ChangeOrder
from engagements.values.language import gettext as _
from engagements.values.periods import month_of
from tracker.fit.criterion import PERCENT, Criterion, Pool, added_up, registry
from tracker.fit.evidence import Breakpoints, Share, rounded
from tracker.fit.queries import Scope
from tracker.fit.stated import Scale
from tracker.spend.models import Basis

LEAST_MONTHS = 3


@dataclass(frozen=True)
class Spent:
    """What an engagement cost in so many months; `reported` in our own currency."""

    amount: float
    reported: float
    months: int


@registry.add
class ScopeChange(Criterion[Share]):
    """Added value of change orders, as part of the spend of the same months.

    That there are none is a fact only of a managed contract that a person logged:
    on time and materials the scope moves without any paper, and a file of payments
    says nothing about change orders.
    """

    code = "scope_change"
    label = "Change of scope"
    question = "Does the scope keep changing?"
    dimension = "scope of responsibility"
    importance = 1.1
    breakpoints = Breakpoints(
        points=((0.02, 1.0), (0.12, 0.0), (0.30, -1.0)), source="our judgement"
    )
    unit = PERCENT
    quantity = "the spend on change orders"
    how_to_record = "Record change orders, and post invoices against the engagement."
    rows = "ledgerentry"
    scale = Scale(kind="share", most=1.0)

    def gather(self, scope: Scope) -> Mapping[int, Share]:
        orders = _added_value(scope)
        tells_of_none = set(
            scope.engagements.filter(~Q(origin=Origin.IMPORTED), kind=Kind.MANAGED)
            .order_by()
            .values_list("pk", flat=True)
        )
        found = {}
        for engagement, spent in _spend(scope).items():
            spend, months = spent.amount, spent.months
            if engagement not in orders and engagement not in tells_of_none:
                continue
            if spend <= 0 or months < LEAST_MONTHS:
                continue
            added, records = orders.get(engagement, (0.0, 0))
            # Months, not money, are what was observed: a currency has no size.
            found[engagement] = Share(
                part=rounded(months * min(added / spend, 1.0)),
                whole=months,
                records=months + records,
                overdispersion=1.0,
            )
        return found

    def pooling(self, scope: Scope) -> Pool[Share]:
        """Change orders of all spend: who costs more has more of the group's share."""
        spent = _spend(scope)

        def pool(members: Collection[int], seen: Mapping[int, Share]) -> Share | None:
            together: Share | None = added_up(members, seen)
            whole = sum(spent[pk].reported for pk in seen)
            if together is None or len(seen) < 2 or whole <= 0:
                return together
            added = sum(own.value * spent[pk].reported for pk, own in seen.items())
            share = added / whole
            return replace(together, part=rounded(together.whole * share))

        return pool

    def sentence(self, observation: Share) -> str:
        return _("change orders are %(share)s of spend") % {
            "share": PERCENT.show(observation.value)
        }


def _added_value(scope: Scope) -> dict[int, tuple[float, int]]:
    rows = (
        ChangeOrder.objects.in_force()
        .filter(
            engagement__in=scope.ids,
            effective_on__range=(scope.starts_on, scope.as_of),
        )
        .order_by()
        .values_list("engagement_id")
        .annotate(
            added=Sum("value_change", filter=Q(value_change__gt=0)),
            orders=Count("id"),
        )
    )
    return {
        engagement: (float(added or 0), orders) for engagement, added, orders in rows
    }


def _spend(scope: Scope) -> dict[int, Spent]:
    """Spend and its months in the window: what was billed, else what was accrued."""
    rows = (
        scope.monthly_spend()
        .filter(month__gte=month_of(scope.starts_on))
        .values_list("engagement_id", "basis")
        .annotate(
            spend=Sum("amount"),
            reported=Sum("reporting_amount"),
            months=Count("month", distinct=True),
        )
    )
    by_basis: dict[int, dict[str, Spent]] = defaultdict(dict)
    for engagement, basis, amount, reported, months in rows:
        spent = Spent(float(amount), float(reported or 0), months)
        by_basis[engagement][basis] = spent
    return {
        engagement: found.get(Basis.ACTUAL) or found[Basis.ACCRUED]
        for engagement, found in by_basis.items()
    }
