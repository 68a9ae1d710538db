from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from engagements.values.periods import add_months, month_of
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope
from tracker.performance.models import Credit

RUNNING = 3


@registry.add
class CreditsIgnored(Pattern):
    """Credits that reach their cap month after month, and change nothing."""

    code = "credits_ignored"
    label = "Service credits that change nothing"
    rule = "service credits at their cap in three months running"
    advice = "The provider prices the credits in: renegotiate them, or change vendor."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        rows = (
            Credit.objects.filter(
                engagement__in=scope.ids,
                window_to__range=(scope.starts_on, scope.as_of),
            )
            .order_by("engagement_id", "window_from")
            .values_list("engagement_id", "window_from", "amount", "figures")
        )
        at_cap: dict[int, set[date]] = defaultdict(set)
        for engagement, window_from, amount, figures in rows:
            if _is_capped(amount, figures):
                at_cap[engagement].add(month_of(window_from))
        found = {}
        for engagement, months in at_cap.items():
            run = _longest_run(sorted(months))
            if len(run) < RUNNING:
                continue
            found[engagement] = self.finding(
                sentence=(
                    f"service credits at their cap in {len(run)} months running, from"
                    f" {run[0]:%B %Y} to {run[-1]:%B %Y}"
                ),
                value=f"{len(run)} months running",
                threshold=f"{RUNNING} months running",
                records=len(run),
                engagements=(engagement,),
            )
        return found


def _is_capped(amount: Decimal, figures: Mapping[str, object]) -> bool:
    """Whether the credit takes all that is at risk, or would be larger without it."""
    percent, at_risk = _number(figures, "percent"), _number(figures, "at_risk_percent")
    return _number(figures, "uncapped") > amount or 0 < at_risk <= percent


def _number(figures: Mapping[str, object], name: str) -> Decimal:
    """The figure, 0 where the credit was made without it."""
    try:
        return Decimal(str(figures.get(name, 0)))
    except InvalidOperation:
        return Decimal(0)


def _longest_run(months: Sequence[date]) -> list[date]:
    """The months in a row, of the longest such row; the later of equal ones."""
    best: list[date] = []
    current: list[date] = []
    for month in months:
        follows = bool(current) and month == add_months(current[-1], 1)
        current = [*current, month] if follows else [month]
        best = current if len(current) >= len(best) else best
    return best
