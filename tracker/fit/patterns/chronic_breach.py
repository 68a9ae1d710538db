from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engagements.values.language import gettext as _
from engagements.values.language import ngettext
from tracker.fit.criterion import PERCENT
from tracker.fit.pattern import Finding, Pattern, Words, registry
from tracker.fit.queries import Scope
from tracker.performance.models import LevelResult
from tracker.performance.service_levels import Outcome

MISSES = 3
LEAST_MISSES = 2
RATE = 0.10
SURE = 0.9
JUDGED = (Outcome.MET.value, Outcome.MISSED.value)


@dataclass(frozen=True)
class _Breach:
    """The level missed most, its missed windows of all, and how many others are."""

    level: str
    missed: int
    windows: int
    others: int


@registry.add
class ChronicBreach(Pattern[_Breach]):
    """One service level missed again and again."""

    code = "chronic_breach"
    label = "Service level missed again and again"
    rule = (
        "the same service level missed 3 times in 12 months, or twice and, at least"
        " 90 % sure, in more than 10 % of its windows"
    )
    advice = "Renegotiate or change the vendor before changing the model."
    rows = "levelresult"

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
        return self.finding(
            _Breach(worst, sum(missed), len(missed), len(chronic) - 1),
            records=sum(len(windows) for _name, windows in chronic),
            engagements=(engagement,),
        )

    def words(self, seen: _Breach) -> Words:
        figures = {
            "level": seen.level,
            "missed": seen.missed,
            "windows": seen.windows,
            "others": seen.others,
        }
        if seen.others:
            sentence = ngettext(
                "%(level)s missed in %(missed)d of %(windows)d windows, and"
                " %(others)d other",
                "%(level)s missed in %(missed)d of %(windows)d windows, and"
                " %(others)d others",
                seen.others,
            )
        else:
            sentence = _("%(level)s missed in %(missed)d of %(windows)d windows")
        threshold = _(
            "%(misses)d misses in 12 months, or %(least)d and above %(rate)s, 90 %%"
            " sure"
        )
        return Words(
            sentence=sentence % figures,
            value=_("%(missed)d of %(windows)d windows missed") % figures,
            threshold=threshold
            % {"misses": MISSES, "least": LEAST_MISSES, "rate": PERCENT.show(RATE)},
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
