"""What the planned work would cost a month in either model, as ranges.

Amounts that are known are taken as they are.  What is not known is a triangle with
its source, and all triangles are drawn together from one fixed low-discrepancy
design: the same plan gives the same figures, whoever asks and however often.

Costs are linear in a few known amounts, so each is kept as amounts times factors;
only the factors are uncertain, and floating point.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np

from tracker.fit.evidence import Floats

POINTS = 4096
PERCENTILES = (0.10, 0.50, 0.90)
MONTHS_PER_YEAR = 12
WEEKS_PER_MONTH = Decimal("365.2425") / 7 / MONTHS_PER_YEAR
# Since when the product assumes what it comes with.
HELD_SINCE = "2026-11-22"
VENDORS = "vendors' published claims"
JUDGEMENT = "our judgement"

# Values of each assumption, or of what is recorded in its place, by code.
Draws = Mapping[str, Floats]


@dataclass(frozen=True)
class Triangle:
    """A figure known to lie in [least, most], most likely at `likely`."""

    least: float
    likely: float
    most: float

    def __post_init__(self) -> None:
        if not self.least <= self.likely <= self.most:
            raise ValueError("a triangle needs least ≤ likely ≤ most")

    def at(self, levels: Floats) -> Floats:
        """The quantiles at `levels` in [0, 1]."""
        span = self.most - self.least
        if span == 0.0:
            return np.full_like(levels, self.likely)
        turn = (self.likely - self.least) / span
        rising = self.least + span * np.sqrt(levels * turn)
        falling = self.most - span * np.sqrt((1 - levels) * (1 - turn))
        return np.where(levels < turn, rising, falling)


@dataclass(frozen=True)
class Assumption:
    """What is taken for granted where nothing is known; `meaning` says of what.

    Without a `unit` it is a share.  `dated_on` tells since when it is held, or until
    when our own records gave it, which is what `is_own` says, and then of how many of
    what; `owner` is who set it, blank for what the product comes with.
    """

    code: str
    meaning: str
    triangle: Triangle
    source: str
    unit: str = ""
    dated_on: str = HELD_SINCE
    owner: str = ""
    is_own: bool = False
    own_count: int = 0
    own_of: str = ""

    def __str__(self) -> str:
        """Such as "10 to 40 %, mostly 20 %"."""
        span = self.triangle
        if self.unit:
            return (
                f"{span.least:g} to {span.most:g} {self.unit}, mostly {span.likely:g}"
            )
        least, likely, most = (
            f"{100 * share:g}" for share in (span.least, span.likely, span.most)
        )
        return f"{least} to {most} %, mostly {likely} %"


# By order: the place of an assumption is its dimension of the design.
DEFAULTS: Sequence[Assumption] = (
    Assumption(
        "risk_premium",
        "what a provider adds to the price of the hours for taking over the risk",
        Triangle(0.10, 0.20, 0.40),
        VENDORS,
    ),
    Assumption(
        "efficiency",
        "hours that a provider's team saves against directed people",
        Triangle(0.0, 0.12, 0.25),
        JUDGEMENT,
    ),
    Assumption(
        "governance",
        "what governing a managed service takes of its fee",
        Triangle(0.08, 0.10, 0.15),
        VENDORS,
    ),
    Assumption(
        "manager_share",
        "a manager's time that each full-time contractor takes",
        Triangle(0.15, 0.20, 0.25),
        VENDORS,
    ),
    Assumption(
        "manager_price",
        "a manager's hour as part of a contractor's hour",
        Triangle(0.70, 1.00, 1.30),
        JUDGEMENT,
    ),
    Assumption(
        "churn",
        "contractors who leave within a year",
        Triangle(0.10, 0.25, 0.40),
        JUDGEMENT,
    ),
    Assumption(
        "ramp",
        "time until a new contractor is up to speed",
        Triangle(1.0, 2.0, 3.0),
        JUDGEMENT,
        unit="months",
    ),
    Assumption(
        "lost_output",
        "output lost meanwhile",
        Triangle(0.30, 0.50, 0.70),
        JUDGEMENT,
    ),
    Assumption(
        "tools",
        "tools and licences of contractors, as part of their price",
        Triangle(0.0, 0.02, 0.05),
        JUDGEMENT,
    ),
    Assumption(
        "extras",
        "overage, changes and re-work of a managed service, as part of its fee",
        Triangle(0.0, 0.05, 0.15),
        JUDGEMENT,
    ),
    Assumption(
        "unforeseen",
        "what nobody foresees of the price of a model that does not run yet",
        Triangle(-0.10, 0.0, 0.10),
        JUDGEMENT,
    ),
)
# Going over is a matter of what runs already; it comes on top of the others.
SWITCHING: Sequence[Assumption] = (
    *DEFAULTS,
    Assumption(
        "transition",
        "what going over takes of the other model's yearly price",
        Triangle(0.10, 0.12, 0.15),
        VENDORS,
    ),
    Assumption(
        "discount",
        "by how much a year's wait makes money worth less",
        Triangle(0.06, 0.08, 0.10),
        JUDGEMENT,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is known of the planned work; all amounts in one currency.

    `monthly_hours` of all people together, `hourly_rate` of each, `monthly_fee` of a
    provider, `manager_hour_cost` what an hour of our own manager costs us in full.
    """

    monthly_hours: Decimal | None = None
    hourly_rate: Decimal | None = None
    monthly_fee: Decimal | None = None
    manager_hour_cost: Decimal | None = None

    @property
    def labour(self) -> Decimal | None:
        """The price of the hours a month, where it is known."""
        if self.monthly_hours is None or self.hourly_rate is None:
            return None
        return self.monthly_hours * self.hourly_rate


@dataclass(frozen=True)
class Range:
    """The 10th, 50th and 90th of a hundred plausible amounts a month."""

    p10: Decimal
    p50: Decimal
    p90: Decimal

    @classmethod
    def of(cls, amounts: Floats) -> "Range":
        found = np.quantile(amounts, PERCENTILES)
        return cls(*(Decimal(repr(float(amount))) for amount in found))


@dataclass(frozen=True)
class Estimate:
    """Monthly costs of both models; `difference` is managed less augmented.

    The difference is taken draw by draw: both models meet the same circumstances.
    `assumptions` are those that had a part in it.
    """

    augmented: Range
    managed: Range
    difference: Range
    assumptions: tuple[Assumption, ...]


def estimate(
    plan: Plan, assumptions: Sequence[Assumption] = DEFAULTS
) -> Estimate | None:
    """The costs of the plan in either model, or None where no price is known.

    A price on one side tells the other: the hours' price with premium and saving
    makes a fee, and a fee without them the hours' price.
    """
    if plan.labour is None and plan.monthly_fee is None:
        return None
    drawn = Drawn(assumptions)
    fee, labour = _fee(plan, drawn), _labour(plan, drawn)
    augmented = cost_augmented(plan, labour, drawn)
    managed = cost_managed(fee, drawn)
    return Estimate(
        augmented=Range.of(augmented),
        managed=Range.of(managed),
        difference=Range.of(managed - augmented),
        assumptions=drawn.used,
    )


def cost_augmented(plan: Plan, labour: Floats, draws: Draws) -> Floats:
    """C_A of each draw: hours, oversight, the loss when people leave, and tools."""
    leaving = draws["churn"] / MONTHS_PER_YEAR * draws["ramp"] * draws["lost_output"]
    return labour * (1 + leaving + draws["tools"]) + _oversight(plan, labour, draws)


def cost_managed(fee: Floats, draws: Draws) -> Floats:
    """C_M of each draw: fee, its governance, and what comes on top."""
    return fee * (1 + draws["governance"] + draws["extras"])


def design(dimensions: int, points: int = POINTS) -> Floats:
    """Evenly spread points of the unit cube, (points, dimensions); always the same.

    The additive recurrence of the generalised golden ratio (M. Roberts, "The
    unreasonable effectiveness of quasirandom sequences", 2018), with the points of
    each axis moved to the middles of as many equal steps, in their order.
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    spread = (0.5 + np.arange(1, points + 1)[:, None] * steps) % 1.0
    ranks = np.argsort(np.argsort(spread, axis=0), axis=0)
    return np.asarray((ranks + 0.5) / points, dtype=np.float64)


class Drawn(Draws):
    """Each assumption at the design's points, and which of them were asked for."""

    def __init__(self, assumptions: Sequence[Assumption], points: int = 0) -> None:
        self._assumptions = {a.code: a for a in assumptions}
        self._values = _drawn(tuple(assumptions), points or POINTS)
        self._used: set[str] = set()

    def __getitem__(self, code: str) -> Floats:
        self._used.add(code)
        return self._values[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def is_own(self, code: str) -> bool:
        """Whether our own records gave it. Asking so is no use of it."""
        return self._assumptions[code].is_own

    @property
    def used(self) -> tuple[Assumption, ...]:
        return tuple(a for code, a in self._assumptions.items() if code in self._used)


# A night's portfolio is drawn from one and the same set of assumptions.
@lru_cache(maxsize=8)
def _drawn(assumptions: tuple[Assumption, ...], points: int) -> Draws:
    levels = design(len(assumptions), points)
    values = {
        assumption.code: assumption.triangle.at(levels[:, dimension])
        for dimension, assumption in enumerate(assumptions)
    }
    for drawn in values.values():
        drawn.setflags(write=False)
    return values


def _fee(plan: Plan, drawn: Drawn) -> Floats:
    if plan.monthly_fee is not None:
        return _known(plan.monthly_fee)
    return _known(plan.labour) * as_fee(drawn) * (1 + drawn["unforeseen"])


def _labour(plan: Plan, drawn: Drawn) -> Floats:
    if plan.labour is not None:
        return _known(plan.labour)
    return _known(plan.monthly_fee) / as_fee(drawn) * (1 + drawn["unforeseen"])


def as_fee(drawn: Drawn) -> Floats:
    """What a provider asks for hours that cost 1 by themselves."""
    return (1 - drawn["efficiency"]) * (1 + drawn["risk_premium"])


def _oversight(plan: Plan, labour: Floats, draws: Draws) -> Floats:
    if plan.manager_hour_cost is None or plan.monthly_hours is None:
        return labour * draws["manager_share"] * draws["manager_price"]
    hours = _known(plan.monthly_hours) * draws["manager_share"]
    return hours * float(plan.manager_hour_cost)


def _known(amount: Decimal | None) -> Floats:
    return np.full(POINTS, float(amount or 0))
