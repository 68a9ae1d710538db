from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engagements.values.language import gettext as _
from engagements.values.periods import add_months, count_months
from tracker.fit.criterion import PERCENT
from tracker.fit.market import used_fees
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope
from tracker.performance.models import LevelResult
from tracker.performance.service_levels import Outcome

LEAST_MONTHS = 24
# One level gives a month a month; the latest windows may not be measured yet.
LOOK_BACK = 36
UTILISATION = 0.6
JUDGED = (Outcome.MET.value, Outcome.MISSED.value)


@dataclass(frozen=True)
class _Held:
    """Months of service levels since a miss, and the share of the price in use."""

    months: int
    used: float


@registry.add
class OverSpecifiedLevel(Pattern[_Held]):
    """Levels that are never missed, in a service that is little used."""

    code = "over_specified_level"
    label = "Service level higher than needed"
    rule = (
        "no miss in the last 24 or more months of service levels, and the hours used"
        " worth 60 % of the price at most"
    )
    advice = "Ask for a cheaper tier of service levels first."
    rows = "levelresult"
    months = LOOK_BACK

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        used = used_fees(scope)
        return {
            engagement: self.finding(
                _Held(months, used[engagement].share),
                records=windows,
                engagements=(engagement,),
            )
            for engagement, (months, windows) in _held(scope).items()
            if months >= LEAST_MONTHS
            and engagement in used
            and used[engagement].share <= UTILISATION
        }

    def words(self, seen: _Held) -> Words:
        figures = {"months": seen.months, "share": PERCENT.show(seen.used)}
        sentence = _(
            "no miss in %(months)d months of service levels, while the hours used are"
            " worth %(share)s of the price"
        )
        threshold = _("0 of %(months)d or more, and at most 60 %% used")
        return Words(
            sentence=sentence % figures,
            value=_("0 of %(months)d months missed, %(share)s used") % figures,
            threshold=threshold % {"months": LEAST_MONTHS},
        )


def _held(scope: Scope) -> Mapping[int, tuple[int, int]]:
    """Months of service levels since the last miss, and in how many windows.

    Months of each level count by themselves: two levels give 24 in a year.
    """
    rows = (
        LevelResult.objects.filter(
            engagement__in=scope.ids,
            window_to__gt=add_months(scope.as_of, -LOOK_BACK),
            window_to__lte=scope.as_of,
            outcome__in=JUDGED,
        )
        .order_by("engagement_id", "window_to")
        .values_list("engagement_id", "window_from", "window_to", "outcome")
    )
    held: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    missed_until: dict[int, date] = {}
    for engagement, first, last, outcome in rows:
        if outcome == Outcome.MISSED:
            held[engagement], missed_until[engagement] = (0, 0), last
        elif engagement not in missed_until or first > missed_until[engagement]:
            months, windows = held[engagement]
            held[engagement] = months + count_months(first, last), windows + 1
    return held
