"""Scores of engagements and vendors, from results of service levels.

Every window with data counts with its level's weight, newer ones more. Windows
without data, or excused, are left out of the score and lower the coverage. So that a
few windows don't make a star or a failure, each score is drawn to the vendor's mean,
as if some more windows had come out like that one.

 score = 100 · (Σ wᵢ·metᵢ + k·m) / (Σ wᵢ + k)

It is a sum and not a mean of means, so that one more miss never raises it, whatever
else is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from engagements.values.periods import count_months
from tracker.performance.service_levels import Outcome

# A window half a year old counts half.
HALF_LIFE_MONTHS = 6
# What the vendor's mean weighs, in whole months of all levels.
DRAWN_BY = 3.0
# Months that a trend compares with as many before.
TREND_MONTHS = 3
# Points between two such spans that are more than chance.
STEADY_WITHIN = 5.0


class Band(StrEnum):
    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


# From each bound, itself included, up to the next one: every score has one band.
BANDS = ((95.0, Band.EXCELLENT), (80.0, Band.GOOD), (60.0, Band.FAIR))


class Trend(StrEnum):
    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"


@dataclass(frozen=True)
class WindowResult:
    """A level's window: its outcome, last day, months, and the level's weight.

    Weights of an engagement's levels need not sum to 100; their ratio counts.
    """

    level: int
    last: date
    months: int
    weight: float
    outcome: Outcome

    @property
    def has_data(self) -> bool:
        return self.outcome in (Outcome.MET, Outcome.MISSED)


@dataclass(frozen=True)
class Tally:
    """Weights of windows: those met, those with data, and all of them."""

    met: float = 0.0
    counted: float = 0.0
    expected: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.met + other.met,
            self.counted + other.counted,
            self.expected + other.expected,
        )

    @property
    def mean(self) -> float | None:
        """The share that was met, from 0 to 1; None without data."""
        return self.met / self.counted if self.counted else None

    @property
    def coverage(self) -> float:
        return self.counted / self.expected if self.expected else 0.0


@dataclass(frozen=True)
class Score:
    """What an engagement or vendor scores, and how far to trust it.

    `value` is from 0 to 100 and None where nothing has data. `own` is what it would
    be without the vendor's mean, `drawn` how many points that mean moves it.
    """

    value: float | None
    own: float | None
    coverage: float
    met: int
    missed: int
    trend: Trend | None = None

    @property
    def band(self) -> Band | None:
        return None if self.value is None else band_of(self.value)

    @property
    def drawn(self) -> float:
        if self.value is None or self.own is None:
            return 0.0
        return self.value - self.own


def band_of(score: float) -> Band:
    return next((band for bound, band in BANDS if score >= bound), Band.POOR)


def tally(results: Iterable[WindowResult], as_of: date) -> Tally:
    """Weigh an engagement's windows by level and age; a whole month of it weighs 1."""
    found = list(results)
    weights = {result.level: result.weight for result in found}
    total = sum(weights.values())
    if not total:
        return Tally()
    met = counted = expected = 0.0
    for result in found:
        weight = result.weight / total * result.months * _freshness(result.last, as_of)
        expected += weight
        if result.has_data:
            counted += weight
        if result.outcome == Outcome.MET:
            met += weight
    return Tally(met, counted, expected)


def score_of(
    results: Sequence[WindowResult], as_of: date, vendor_mean: float | None
) -> Score:
    """Return an engagement's score; `vendor_mean` is a share from 0 to 1."""
    own = tally(results, as_of)
    outcomes = [result.outcome for result in results]
    value = None
    if own.mean is not None:
        mean = own.mean if vendor_mean is None else vendor_mean
        value = 100 * (own.met + DRAWN_BY * mean) / (own.counted + DRAWN_BY)
    return Score(
        value=None if value is None else min(100.0, max(0.0, value)),
        own=None if own.mean is None else 100 * own.mean,
        coverage=own.coverage,
        met=outcomes.count(Outcome.MET),
        missed=outcomes.count(Outcome.MISSED),
        trend=trend_of(results, as_of),
    )


def vendor_mean(tallies: Iterable[Tally]) -> float | None:
    """Return what share of all the vendor's windows was met; None without data."""
    return sum(tallies, Tally()).mean


def vendor_score(
    scores: Mapping[int, Score], spend: Mapping[int, float]
) -> tuple[float | None, float]:
    """Return the vendor's score, its engagements weighed by spend, and the coverage.

    Both are by engagement id. Spend without a score lowers the coverage. Where no
    spend is known at all, engagements weigh the same.
    """
    weights = {key: max(0.0, spend.get(key, 0.0)) for key in scores}
    if not sum(weights.values()):
        weights = dict.fromkeys(scores, 1.0)
    total = sum(weights.values())
    if not total:
        return None, 0.0
    scored = {
        key: score.value for key, score in scores.items() if score.value is not None
    }
    counted = sum(weights[key] for key in scored)
    coverage = sum(weights[key] * score.coverage for key, score in scores.items())
    if not counted:
        return None, coverage / total
    value = sum(weights[key] * value for key, value in scored.items()) / counted
    return value, coverage / total


def trend_of(results: Sequence[WindowResult], as_of: date) -> Trend | None:
    """Compare the last months with as many before; None where either has no data."""
    recent = _share_met(results, as_of, 0)
    before = _share_met(results, as_of, TREND_MONTHS)
    if recent is None or before is None:
        return None
    points = 100 * (recent - before)
    if abs(points) < STEADY_WITHIN:
        return Trend.STEADY
    return Trend.RISING if points > 0 else Trend.FALLING


def _share_met(
    results: Iterable[WindowResult], as_of: date, months_ago: int
) -> float | None:
    span = [
        result
        for result in results
        if result.has_data
        and months_ago <= _age(result.last, as_of) < months_ago + TREND_MONTHS
    ]
    total = sum(result.weight * result.months for result in span)
    if not total:
        return None
    met = (r.weight * r.months for r in span if r.outcome == Outcome.MET)
    return sum(met) / total


def _age(last: date, as_of: date) -> int:
    """Return how many whole months lie between the window and the month of `as_of`."""
    return max(0, count_months(last, as_of) - 2)


def _freshness(last: date, as_of: date) -> float:
    return float(0.5 ** (_age(last, as_of) / HALF_LIFE_MONTHS))
