from collections.abc import Mapping

from django.db.models import Count, Q

from engagements.choices import Kind
from tracker.fit.criterion import PERCENT
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope
from tracker.fit.shares import directed_hours
from tracker.spend.models import AssignedBy, InvoiceLine, InvoiceStatus

OURS = 0.5
SURE = 0.9
BILLED_BY_HOURS = 0.5


@registry.add
class HiddenHeadcount(Pattern):
    """A managed contract whose people we direct, billed or named as if hired."""

    code = "hidden_headcount"
    label = "Headcount under a managed contract"
    rule = (
        "managed; our managers assign more than half of the hours, at least 90 %"
        " sure; and invoices by hours, or named people whom we direct"
    )
    advice = "Ask who carries the outcome: the fee pays for it, the direction is ours."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        managed = set(scope.engagements.filter(kind=Kind.MANAGED).values_list("pk"))
        by_hours, named = _billed_by_hours(scope), _named(scope)
        found = {}
        for engagement, hours in directed_hours(scope).items():
            sign = by_hours.get(engagement) or named.get(engagement)
            chance = hours.chance_above(OURS)
            if (engagement,) not in managed or sign is None or chance < SURE:
                continue
            share = PERCENT.show(hours.share or 0.0)
            found[engagement] = self.finding(
                sentence=(
                    f"our managers assigned {share} of {hours.whole:,.0f} hours,"
                    f" and {sign}"
                ),
                value=f"{share} of hours, {PERCENT.show(chance)} sure",
                threshold="more than 50 %, at least 90 % sure",
                records=hours.records,
                engagements=(engagement,),
            )
        return found


def _billed_by_hours(scope: Scope) -> dict[int, str]:
    rows = (
        InvoiceLine.objects.filter(
            engagement__in=scope.ids,
            period_to__range=(scope.starts_on, scope.as_of),
        )
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .order_by()
        .values_list("engagement_id")
        .annotate(timed=Count("id", filter=Q(hours__gt=0)), lines=Count("id"))
    )
    return {
        engagement: f"{timed} of {lines} invoice lines bill hours"
        for engagement, timed, lines in rows
        if timed >= BILLED_BY_HOURS * lines
    }


def _named(scope: Scope) -> dict[int, str]:
    rows = (
        scope.work_logs()
        .filter(contractor__isnull=False, assigned_by=AssignedBy.CLIENT)
        .values_list("engagement_id")
        .annotate(people=Count("contractor", distinct=True))
    )
    return {
        engagement: f"{people} named people are directed by us"
        if people > 1
        else "one named person is directed by us"
        for engagement, people in rows
    }
