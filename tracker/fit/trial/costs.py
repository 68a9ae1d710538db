"""Whether the 80 % interval of the cost difference holds what really comes to pass.

The planted year differs from the estimate in kind: people leave one by one or not at
all, premiums and savings of one vendor go together, and costs vary about figures that
are drawn from bell curves, not from the estimate's triangles.  Where the engagement
runs, its ledger tells one side of that year; the other side is what would have been.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from tracker.fit.evidence import Floats
from tracker.fit.money import SWITCHING, Plan, Range, estimate
from tracker.fit.switching import Recorded, switch

PLANS = 2400
MONTHS = 12
HOURS = 150


@dataclass(frozen=True)
class Held:
    """Of the intervals of one question: how many hold, and how far the middle is off.

    `off` is the mean of p50 less what came to pass, as a part of the labour.
    """

    coverage: float
    off: float


@dataclass(frozen=True)
class Year:
    """What each plan costs a month in either model, and what its ledger would tell."""

    people: Floats
    rates: Floats
    # What directed people cost: their hours, our oversight, those who leave, tools.
    augmented: Floats
    managed: Floats
    # What the vendor bills: hours, or fee with overage and changes.
    billed_by_people: Floats
    billed_by_provider: Floats
    # Hours of the provider's team, and what an hour costs us elsewhere.
    provider_hours: Floats
    market_rates: Floats

    @property
    def labour(self) -> Floats:
        return np.asarray(self.people * HOURS * self.rates)


def plan_year(seed: int) -> Year:
    rng = np.random.default_rng(seed)
    people = rng.integers(1, 13, PLANS).astype(np.float64)
    rates = np.asarray(np.round(np.exp(rng.normal(4.2, 0.35, PLANS)), 2), float)
    labour = people * HOURS * rates
    vendor = rng.normal(size=PLANS)
    premium = _about(rng, 0.23, 0.08, vendor, 0.5)
    saving = _about(rng, 0.12, 0.07, vendor, 0.3)
    governance = _about(rng, 0.11, 0.02, vendor, 0.0)
    extras = np.exp(rng.normal(np.log(0.06), 0.5, PLANS))
    fee = labour * (1 - saving) * (1 + premium)
    oversight = _about(rng, 0.20, 0.03, vendor, 0.0) * rng.normal(1.0, 0.15, PLANS)
    leavers = rng.poisson(people * 0.25)
    each = _about(rng, 2.0, 0.5, vendor, 0.0) * _about(rng, 0.5, 0.1, vendor, 0.0)
    leaving = leavers / people * each / MONTHS
    tools = np.exp(rng.normal(np.log(0.02), 0.5, PLANS))
    return Year(
        people=people,
        rates=rates,
        augmented=np.asarray(labour * (1 + oversight + leaving + tools)),
        managed=np.asarray(fee * (1 + governance + extras)),
        billed_by_people=np.asarray(labour),
        billed_by_provider=np.asarray(fee * (1 + extras)),
        provider_hours=np.asarray(people * HOURS * (1 - saving)),
        market_rates=np.asarray(rates * np.exp(rng.normal(0.0, 0.05, PLANS))),
    )


def planned_interval(year: Year) -> Held:
    """Of work that is only planned: managed less augmented."""

    def found(row: int) -> Range | None:
        hours = Decimal(int(year.people[row]) * HOURS)
        plan = Plan(monthly_hours=hours, hourly_rate=_exactly(year.rates[row]))
        told = estimate(plan)
        return told.difference if told else None

    return _held(year, year.managed - year.augmented, found)


def to_managed_interval(year: Year) -> Held:
    """Of people who run already: the saving of handing over."""

    def found(row: int) -> Range | None:
        recorded = Recorded(
            is_managed=False,
            months=MONTHS,
            price=_exactly(year.billed_by_people[row]),
            hours=Decimal(int(year.people[row]) * HOURS),
            people=Decimal(int(year.people[row])),
        )
        told = switch(recorded, SWITCHING)
        return told.saving if told else None

    return _held(year, year.augmented - year.managed, found)


def to_augmented_interval(year: Year, *, with_hours: bool) -> Held:
    """Of a service that runs already: the saving of taking it over.

    With the hours of its team and what one costs elsewhere, or with the fee alone.
    """

    def found(row: int) -> Range | None:
        recorded = Recorded(
            is_managed=True,
            months=MONTHS,
            price=_exactly(year.billed_by_provider[row]),
            hours=_exactly(year.provider_hours[row]) if with_hours else None,
            market_rate=_exactly(year.market_rates[row]) if with_hours else None,
        )
        told = switch(recorded, SWITCHING)
        return told.saving if told else None

    return _held(year, year.managed - year.augmented, found)


def _held(year: Year, realised: Floats, found: Callable[[int], Range | None]) -> Held:
    ranges = [found(row) for row in range(len(realised))]
    told = [
        (float(one.p10) <= amount <= float(one.p90), (float(one.p50) - amount) / labour)
        for one, amount, labour in zip(ranges, realised, year.labour, strict=True)
        if one is not None
    ]
    inside, off = zip(*told, strict=True)
    return Held(float(np.mean(inside)), float(np.mean(off)))


def _exactly(amount: float) -> Decimal:
    return Decimal(repr(float(amount)))


def _about(
    rng: np.random.Generator,
    mean: float,
    spread: float,
    vendor: Floats,
    shared: float,
) -> Floats:
    own = np.sqrt(1 - shared**2) * rng.normal(size=PLANS)
    return np.asarray(np.maximum(mean + spread * (shared * vendor + own), 0.0))
