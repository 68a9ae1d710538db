"""From recorded figures to a posterior, kept as equiprobable atoms, and to leans.

A criterion yields one observation per engagement.  Three kinds suffice: a share of
a whole, the variation of a monthly series, and a mean or count.  Each is shrunk
towards a prior that is frozen for the quarter, so that one engagement's records
cannot move another's verdict within it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ATOMS = 8
LEVELS: Floats = (np.arange(ATOMS) + 0.5) / ATOMS
IGNORANCE: Floats = 2 * LEVELS - 1
ENOUGH_RECORDED = 30
DIGITS = 6

HOURS_OVERDISPERSION = 2.2
LEAST_PRIOR_SIZE = 2.0
MOST_PRIOR_SIZE = 12.0
VARIATION_PRIOR_SIZE = 4.0
MEAN_PRIOR_SIZE = 2.0
# The neutral coefficient of variation of the XYZ classes, .25, as variance of logs.
NEUTRAL_LOG_VARIANCE = math.log1p(0.25**2)
# A month without use has no logarithm: it counts as this part of the mean month.
IDLE_MONTH = 0.05
MOST_LOG_VARIANCE = 50.0


def rounded(number: float) -> float:
    """The precision at which figures are stored and judged: what is stored is what
    was judged, so a stored assessment can be repeated to the digit."""
    return round(float(number), DIGITS)


@dataclass(frozen=True)
class Breakpoints:
    """A monotone, piecewise linear map from a figure to a lean in [-1, +1].

    +1 says that a managed service fits, -1 that augmented staff fit.  Outside the
    first and last point the lean stays constant.  `source` says whose figures
    these are.
    """

    points: tuple[tuple[float, float], ...]
    source: str
    # The points before a policy's tendency moved their leans; empty where none did.
    declared: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError("breakpoints need at least two points")
        if any(after[0] <= before[0] for before, after in pairwise(self.points)):
            raise ValueError("breakpoints must have ascending figures")
        steps = [after[1] - before[1] for before, after in pairwise(self.points)]
        if any(step < 0 for step in steps) and any(step > 0 for step in steps):
            raise ValueError("breakpoints must be monotone")
        if any(abs(lean) > 1 for _, lean in self.points):
            raise ValueError("leans must lie between -1 and +1")

    def lean(self, figures: Floats) -> Floats:
        figures_at, leans_at = zip(*self.points, strict=True)
        return np.asarray(np.interp(figures, figures_at, leans_at), dtype=np.float64)

    def tilted(self, tendency: float) -> "Breakpoints":
        """The same figures with every lean moved by tendency · (1 - |lean|).

        A neutral point then leans by `tendency`, in (-1, +1); full leans stay.
        """
        if not tendency:
            return self
        points = tuple(
            (figure, rounded(lean + tendency * (1 - abs(lean))))
            for figure, lean in self.points
        )
        return replace(self, points=points, declared=self.declared or self.points)

    @property
    def neutral(self) -> "Prior":
        """What is expected of a share that nobody has recorded enough to tell of."""
        return Prior(mean=_neutral_mean(self.declared or self.points))

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest lean that any record could give."""
        leans = [lean for _, lean in self.points]
        return min(leans), max(leans)

    @property
    def rises(self) -> bool:
        """Whether more of the figure speaks for a managed service."""
        return self.points[-1][1] > self.points[0][1]

    @property
    def last(self) -> float:
        return self.points[-1][0]


@dataclass(frozen=True)
class Prior:
    """What is expected of a criterion before an engagement's own records speak.

    `mean` and `size` shape the Beta prior of a share, `log_variance` that of a
    monthly series; `quantiles` are the portfolio's figures at the atoms' levels,
    empty when too few engagements recorded the criterion.
    """

    mean: float = 0.5
    size: float = LEAST_PRIOR_SIZE
    log_variance: float = NEUTRAL_LOG_VARIANCE
    quantiles: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "mean": self.mean,
            "size": self.size,
            "log_variance": self.log_variance,
            "quantiles": list(self.quantiles),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "quantiles": tuple(stored["quantiles"])})


UNINFORMED = Prior()


@lru_cache(maxsize=256)
def _neutral_mean(points: tuple[tuple[float, float], ...]) -> float:
    """The mean of the smallest Beta prior that leans to neither model.

    Where shares from 0 on are neutral, the largest mean with which every atom is, so
    that a record without any such share leans to neither either; and in the middle
    where no share is neutral, or all are.
    """
    from scipy.special import betaincinv

    figures, leans = zip(*points, strict=True)
    first, last = (float(np.interp(end, figures, leans)) for end in (0.0, 1.0))
    if first * last > 0 or first == last == 0:
        return 0.5

    def is_before(mean: float) -> bool:
        size = LEAST_PRIOR_SIZE
        atoms = betaincinv(size * mean, size * (1 - mean), LEVELS)
        lean = float(np.interp(atoms, figures, leans).mean())
        return lean * first > 0 if first else lean == 0

    low, high = 0.0, 1.0
    # Finer than what is kept, so that a neutral point of .5 comes out as such.
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if is_before(middle) else (low, middle)
    least = 10.0**-DIGITS
    return min(max(rounded(low), least), 1 - least)


@dataclass(frozen=True, kw_only=True)
class Observation(ABC):
    """One criterion's figure for one engagement, with the records behind it.

    `figures` holds the further numbers that the criterion's sentence quotes.
    """

    kind: ClassVar[str]
    records: int
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    @abstractmethod
    def value(self) -> float:
        """The figure in the criterion's unit."""

    @property
    @abstractmethod
    def size(self) -> float:
        """How many independent observations the records are worth."""

    @abstractmethod
    def with_value(self, value: float) -> Self:
        """The same records, had they said `value`."""

    @abstractmethod
    def reliability(self, prior: Prior) -> float:
        """In [0, 1): how much of the posterior is the engagement's own."""

    @classmethod
    @abstractmethod
    def posterior(cls, observations: Sequence[Self], priors: Sequence[Prior]) -> Floats:
        """The figure's equiprobable atoms, ascending: (n, ATOMS)."""

    def as_json(self) -> dict[str, Any]:
        stored = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {"kind": self.kind, **stored, "figures": dict(self.figures)}


@dataclass(frozen=True, kw_only=True)
class Share(Observation):
    """A part of a whole, 0 ≤ part ≤ whole and whole > 0.

    `overdispersion` is how many units of the whole count as one observation: hours
    follow one another, so 2.2 of them tell as much as one that stands alone.
    """

    kind: ClassVar[str] = "share"
    part: float
    whole: float
    overdispersion: float = HOURS_OVERDISPERSION

    @property
    def value(self) -> float:
        return self.part / self.whole

    @property
    def size(self) -> float:
        return self.whole / self.overdispersion

    def with_value(self, value: float) -> Self:
        return replace(self, part=value * self.whole)

    def reliability(self, prior: Prior) -> float:
        return self.size / (self.size + prior.size)

    @classmethod
    def posterior(cls, observations: Sequence[Self], priors: Sequence[Prior]) -> Floats:
        from scipy.special import betaincinv

        successes = [o.part / o.overdispersion for o in observations]
        failures = [(o.whole - o.part) / o.overdispersion for o in observations]
        expected = [prior.size * prior.mean for prior in priors]
        unexpected = [prior.size * (1 - prior.mean) for prior in priors]
        alpha = np.add(expected, successes)[:, None]
        beta = np.add(unexpected, failures)[:, None]
        return np.asarray(betaincinv(alpha, beta, LEVELS), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Variation(Observation):
    """How much a monthly series varies: `log_variance` over `months` ≥ 2 months."""

    kind: ClassVar[str] = "variation"
    log_variance: float
    months: int

    @classmethod
    def of(
        cls,
        uses: Sequence[float],
        *,
        records: int,
        figures: Mapping[str, float] | None = None,
    ) -> Self:
        """From each month's use, none negative and not all zero."""
        least = IDLE_MONTH * sum(uses) / len(uses)
        logs = np.log([max(use, least) for use in uses])
        return cls(
            log_variance=rounded(float(np.var(logs, ddof=1))),
            months=len(uses),
            records=records,
            figures=figures or {},
        )

    @property
    def value(self) -> float:
        return math.sqrt(math.expm1(min(self.log_variance, MOST_LOG_VARIANCE)))

    @property
    def size(self) -> float:
        return self.months - 1.0

    def with_value(self, value: float) -> Self:
        return replace(self, log_variance=math.log1p(value**2))

    def reliability(self, prior: Prior) -> float:
        return self.size / (self.size + VARIATION_PRIOR_SIZE)

    @classmethod
    def posterior(cls, observations: Sequence[Self], priors: Sequence[Prior]) -> Floats:
        """Scaled-inverse-χ² atoms of the variance, as coefficients of variation."""
        from scipy.special import gammaincinv

        sizes = np.array([o.size for o in observations])
        own = np.array([o.log_variance for o in observations])
        expected = np.array([prior.log_variance for prior in priors])
        freedom = (sizes + VARIATION_PRIOR_SIZE)[:, None]
        summed = (sizes * own + VARIATION_PRIOR_SIZE * expected)[:, None]
        variances = summed / (2 * gammaincinv(freedom / 2, LEVELS[::-1]))
        capped = np.minimum(variances, MOST_LOG_VARIANCE)
        return np.asarray(np.sqrt(np.expm1(capped)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Mean(Observation):
    """A mean, count or declared level ≥ 0 that rests on `count` ≥ 1 observations."""

    kind: ClassVar[str] = "mean"
    mean: float
    count: float

    @property
    def value(self) -> float:
        return self.mean

    @property
    def size(self) -> float:
        return self.count

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return 0.2 * self.mean / math.sqrt(self.count) + 0.05 * self.mean

    def with_value(self, value: float) -> Self:
        return replace(self, mean=value)

    def reliability(self, prior: Prior) -> float:
        return self.size / (self.size + MEAN_PRIOR_SIZE)

    @classmethod
    def posterior(cls, observations: Sequence[Self], priors: Sequence[Prior]) -> Floats:
        """Normal atoms, no less than 0, with error .2·m/√n + .05·m."""
        from scipy.special import ndtri

        means = np.array([o.mean for o in observations])[:, None]
        errors = np.array([o.error for o in observations])[:, None]
        atoms = np.maximum(means + errors * ndtri(LEVELS), 0.0)
        return np.asarray(atoms, dtype=np.float64)


KINDS: Mapping[str, type[Observation]] = {
    kind.kind: kind for kind in (Share, Variation, Mean)
}


def interval(
    observation: Observation, prior: Prior, breakpoints: Breakpoints
) -> tuple[float, float]:
    """Between which figures the posterior has 80 of its 100 parts."""
    expected = _expected(prior, breakpoints)
    atoms = type(observation).posterior([observation], [expected])[0]
    low, high = np.interp((0.1, 0.9), LEVELS, atoms)
    return rounded(low), rounded(high)


def _expected(prior: Prior, breakpoints: Breakpoints) -> Prior:
    """The prior, or where there is none one that speaks for neither model.

    A mean of .5 would contradict records of what is rare: it held a year without
    change orders, or a provider that missed nothing, against the model that did well.
    """
    return breakpoints.neutral if prior == UNINFORMED else prior


def observation_from_json(stored: Mapping[str, Any]) -> Observation:
    """The inverse of `Observation.as_json`."""
    fields = {name: value for name, value in stored.items() if name != "kind"}
    return KINDS[stored["kind"]](**fields)


def posterior_leans(
    breakpoints: Breakpoints,
    observations: Sequence[Observation | None],
    priors: Sequence[Prior],
) -> Floats:
    """Each engagement's atoms as leans: (n, ATOMS); None is a fact not recorded."""
    leans = np.empty((len(observations), ATOMS))
    for index, observation in enumerate(observations):
        if observation is None:
            leans[index] = missing_leans(breakpoints, priors[index])
    for kind in KINDS.values():
        found = [(i, o) for i, o in enumerate(observations) if type(o) is kind]
        if found:
            rows = [row for row, _ in found]
            expected = [_expected(priors[row], breakpoints) for row in rows]
            atoms = kind.posterior([o for _, o in found], expected)
            leans[rows] = breakpoints.lean(atoms)
    return leans


def missing_leans(breakpoints: Breakpoints, prior: Prior) -> Floats:
    """What is not recorded is as uncertain as the portfolio, and never neutral.

    While the portfolio has too few records to tell, every lean is equally likely
    both ways: what nobody wrote down must not speak for either model.
    """
    if not prior.quantiles:
        return IGNORANCE
    return breakpoints.lean(np.array(prior.quantiles))


def prior_from(observations: Iterable[Observation]) -> Prior | None:
    """The prior that a group's records support, or None when they are too few."""
    recorded = list(observations)
    if len(recorded) < ENOUGH_RECORDED:
        return None
    figures = np.sort([observation.value for observation in recorded])
    quantiles = tuple(rounded(figure) for figure in np.quantile(figures, LEVELS))
    shares = [o for o in recorded if isinstance(o, Share)]
    if shares:
        mean, size = _share_moments(shares)
        return Prior(mean=mean, size=size, quantiles=quantiles)
    variations = [o.log_variance for o in recorded if isinstance(o, Variation)]
    if variations:
        return Prior(log_variance=rounded(median(variations)), quantiles=quantiles)
    return Prior(quantiles=quantiles)


def _share_moments(shares: Sequence[Share]) -> tuple[float, float]:
    """Mean and size of the Beta that the shares seem drawn from, by moments.

    The shares' variance is part sampling, part true difference; only the latter
    says how strongly one engagement resembles another.
    """
    values = np.array([share.value for share in shares])
    # Half a share added: a Beta prior needs a mean strictly between 0 and 1.
    mean = float((np.sum(values) + 0.5) / (len(values) + 1))
    variance = float(np.var(values, ddof=1))
    noise = float(np.mean([1.0 / max(share.size, 1.0) for share in shares]))
    possible = mean * (1.0 - mean)
    if possible <= 0.0:
        return rounded(mean), MOST_PRIOR_SIZE
    # variance / possible = r + (1 - r)·noise with r = 1 / (size + 1)
    likeness = (variance / possible - noise) / max(1.0 - noise, 1e-9)
    if likeness <= 0.0:
        return rounded(mean), MOST_PRIOR_SIZE
    size = min(max(1.0 / likeness - 1.0, LEAST_PRIOR_SIZE), MOST_PRIOR_SIZE)
    return rounded(mean), rounded(size)
