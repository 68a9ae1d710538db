"""Whether the 80 % interval of the cost difference holds what really comes to pass.

The planted year differs from the estimate in kind: people leave one by one or not at
all, premiums and savings of one vendor go together, and costs vary about figures that
are drawn from bell curves, not from the estimate's triangles.
"""

from decimal import Decimal

import numpy as np

from tracker.fit.evidence import Floats
from tracker.fit.money import Plan, estimate

PLANS = 400
MONTHS = 12
HOURS = 150


def interval_coverage(seed: int) -> float:
    """The part of planted years whose difference lies between p10 and p90."""
    rng = np.random.default_rng(seed)
    people = rng.integers(1, 13, PLANS).astype(np.float64)
    rates = np.asarray(np.round(np.exp(rng.normal(4.2, 0.35, PLANS)), 2), float)
    realised = _realised(rng, people, rates)
    inside = [
        _is_inside(int(head), float(rate), amount)
        for head, rate, amount in zip(people, rates, realised.tolist(), strict=True)
    ]
    return float(np.mean(inside))


def _is_inside(people: int, rate: float, amount: float) -> bool:
    plan = Plan(monthly_hours=Decimal(people * HOURS), hourly_rate=Decimal(str(rate)))
    found = estimate(plan)
    if found is None:
        return False
    return float(found.difference.p10) <= amount <= float(found.difference.p90)


def _realised(rng: np.random.Generator, people: Floats, rates: Floats) -> Floats:
    """Managed less augmented, a month, over one year of each plan."""
    labour = people * HOURS * rates
    vendor = rng.normal(size=PLANS)
    premium = _about(rng, 0.23, 0.08, vendor, 0.5)
    saving = _about(rng, 0.12, 0.07, vendor, 0.3)
    governance = _about(rng, 0.11, 0.02, vendor, 0.0)
    extras = np.exp(rng.normal(np.log(0.06), 0.5, PLANS))
    managed = labour * (1 - saving) * (1 + premium) * (1 + governance + extras)
    oversight = _about(rng, 0.20, 0.03, vendor, 0.0) * rng.normal(1.0, 0.15, PLANS)
    leavers = rng.poisson(people * 0.25)
    each = _about(rng, 2.0, 0.5, vendor, 0.0) * _about(rng, 0.5, 0.1, vendor, 0.0)
    leaving = leavers / people * each / MONTHS
    tools = np.exp(rng.normal(np.log(0.02), 0.5, PLANS))
    augmented = labour * (1 + oversight + leaving + tools)
    return np.asarray(managed - augmented)


def _about(
    rng: np.random.Generator,
    mean: float,
    spread: float,
    vendor: Floats,
    shared: float,
) -> Floats:
    own = np.sqrt(1 - shared**2) * rng.normal(size=PLANS)
    return np.asarray(np.maximum(mean + spread * (shared * vendor + own), 0.0))
