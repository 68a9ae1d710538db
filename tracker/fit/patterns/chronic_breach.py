from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from tracker.fit.criterion import PERCENT
from tracker.fit.pattern import Finding, Pattern, registry
from tracker.fit.queries import Scope
from tracker.performance.models import LevelResult
from tracker.performance.service_levels import Outcome

MISSES = 3
LEAST_MISSES = 2
RATE = 0.10
SURE = 0.9
JUDGED = (Outcome.MET.value, Outcome.MISSED.value)


@registry.add
class ChronicBreach(Pattern):
    """One service level missed again and again."""

    code = "chronic_breach"
    label = "Service level missed again and again"
    rule = (
        "the same service level missed 3 times in 12 months, or twice and, at least"
        " 90 % sure, in more than 10 % of its windows"
    )
    advice = "Renegotiate or change the vendor before changing the model."

    def find(self, scope: Scope) -> Mapping[int, Finding]:
        """Windows that were excused, or have no data, count neither way."""
        rows = (
            LevelResult.objects.filter(
                engagement__in=scope.ids,
                window_to__range=(scope.starts_on, scope.as_of),
                outcome__in=JUDGED,
            )
            .order_by("engagement_id", "service_level_id", "window_from")
            .values_list(
                "engagement_id",
                "service_level_id",
                "service_level__name",
                "outcome",
            )
        )
        levels: dict[int, list[tuple[str, list[bool]]]] = defaultdict(list)
        for (engagement, _level), windows in groupby(rows, key=lambda row: row[:2]):
            found = list(windows)
            missed = [outcome == Outcome.MISSED for *_, outcome in found]
            levels[engagement].append((str(found[0][2]), missed))
        return {
            engagement: self._told(engagement, chronic)
            for engagement, of_levels in levels.items()
            if (chronic := [one for one in of_levels if _is_chronic(one[1])])
        }

    def _told(
        self, engagement: int, chronic: Sequence[tuple[str, list[bool]]]
    ) -> Finding:
        worst, missed = max(chronic, key=lambda one: sum(one[1]))
        others = f", and {len(chronic) - 1} other" if len(chronic) > 1 else ""
        misses = f"{sum(missed)} of {len(missed)} windows"
        return self.finding(
            sentence=f"{worst} missed in {misses}{others}",
            value=f"{misses} missed",
            threshold=(
                f"{MISSES} misses in 12 months, or {LEAST_MISSES} and above"
                f" {PERCENT.show(RATE)}, 90 % sure"
            ),
            records=sum(len(windows) for _name, windows in chronic),
            engagements=(engagement,),
        )


def _is_chronic(missed: Sequence[bool]) -> bool:
    """Windows last a quarter at most: three misses running lie within the year too."""
    from scipy.special import betaincc

    if sum(missed) >= MISSES:
        return True
    # One miss of one window is 90 % sure as well, and nothing chronic.
    if sum(missed) < LEAST_MISSES:
        return False
    kept = len(missed) - sum(missed)
    return float(betaincc(1 + sum(missed), 1 + kept, RATE)) >= SURE
