from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from engagements.values.language import gettext as _
from engagements.values.periods import add_months, month_of
from engagements.values.written import format_month
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope
from tracker.performance.models import Credit

RUNNING = 3


@dataclass(frozen=True)
class _Run:
    """The months running in which credits were at their cap."""

    months: int
    first: date
    last: date


@registry.add
class CreditsIgnored(Pattern[_Run]):
    """Credits that reach their cap month after month, and change nothing."""

    code = "credits_ignored"
    label = "Service credits that change nothing"
    rule = "service credits at their cap in three months running"
    advice = "The provider prices the credits in: renegotiate them, or change vendor."
    rows = "credit"

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
                _Run(len(run), run[0], run[-1]),
                records=len(run),
                engagements=(engagement,),
            )
        return found

    def words(self, seen: _Run) -> Words:
        sentence = _(
            "service credits at their cap in %(months)d months running, from %(first)s"
            " to %(last)s"
        )
        running = _("%(months)d months running")
        return Words(
            sentence=sentence
            % {
                "months": seen.months,
                "first": format_month(seen.first),
                "last": format_month(seen.last),
            },
            value=running % {"months": seen.months},
            threshold=running % {"months": RUNNING},
        )


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
