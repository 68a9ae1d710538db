"""What a running engagement would cost in the other model, and whether it pays to go.

What is recorded is taken as it is; only where nothing is recorded does an assumption
stand in, as a triangle from one fixed low-discrepancy design, so that the same records
give the same figures on every run.  All amounts are a month, in one currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from tracker.fit.evidence import Floats
from tracker.fit.money import (
    MONTHS_PER_YEAR,
    Assumption,
    Drawn,
    Range,
    Triangle,
    as_fee,
)

# Enough for two digits of a tenth percentile, and few enough for a portfolio a night.
POINTS = 1024
HORIZON_MONTHS = 24
FULL_TIME_HOURS = 160
MOST_MATTERING = 5
# An assumption's low and high are the means of the outer fifths of its values.
OUTER = 5
SLICES = 16
LEAST_MONTHS = 3


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the records of `months` whole months tell of one engagement, a month.

    `price` is what the hours or the fee cost by the ledger, with overage and changes
    and less credits received.  `hours` are the hours worked; `manager_hours` those of
    our own managers; `manager_hour_cost` what one of them costs in full.  `people` work
    at once, of whom `churn` leave in a year.  `market_rate` is what an hour costs us
    elsewhere.  None says that nobody recorded it.  `exit_charge` is due for leaving,
    and the present contract runs for `remaining_months`, None where it has no end.
    """

    is_managed: bool
    months: int
    price: Decimal
    hours: Decimal | None = None
    people: Decimal | None = None
    manager_hours: Decimal | None = None
    manager_hour_cost: Decimal | None = None
    churn: Decimal | None = None
    market_rate: Decimal | None = None
    exit_charge: Decimal = Decimal(0)
    remaining_months: int | None = None


@dataclass(frozen=True)
class Matter:
    """How much one assumption moves the saving.

    `share` is the part of the saving's variance that it explains by itself; the
    amounts are the expected saving while it is low, and while it is high.
    """

    assumption: Assumption
    share: float
    at_low: Decimal
    at_high: Decimal


@dataclass(frozen=True)
class Switch:
    """The present model against the other, and what going over would cost.

    `saving` is present less other.  `break_even` are months until the transition is
    paid back, None where a saving never does.  `value_in_term` is the net present
    value over the remaining commitment, None where the contract has no end.
    """

    recorded: Recorded
    present: Range
    other: Range
    saving: Range
    transition: Range
    break_even: tuple[float | None, float | None, float | None]
    value_in_term: Range | None
    value_in_two_years: Range
    chance_to_save: float
    matters: tuple[Matter, ...]
    assumptions: tuple[Assumption, ...]


def switch(recorded: Recorded, assumptions: Sequence[Assumption]) -> Switch | None:
    """The costs of both models, or None below three whole months of recorded price."""
    if recorded.months < LEAST_MONTHS or recorded.price <= 0:
        return None
    drawn = Drawn(assumptions, POINTS)
    present, other = _costs(recorded, drawn)
    transition = _transition(recorded, other.price, drawn)
    saving = present.total - other.total
    return Switch(
        recorded=recorded,
        present=Range.of(present.total),
        other=Range.of(other.total),
        saving=Range.of(saving),
        transition=Range.of(transition),
        break_even=_break_even(saving, transition),
        value_in_term=_value_in_term(recorded, saving, transition, drawn),
        value_in_two_years=Range.of(_value(saving, transition, HORIZON_MONTHS, drawn)),
        chance_to_save=float(np.mean(saving * HORIZON_MONTHS > transition)),
        matters=_matters(saving, drawn),
        assumptions=drawn.used,
    )


@dataclass(frozen=True)
class _Cost:
    """What a model costs: the price paid to the vendor, and all of it together."""

    price: Floats
    total: Floats


def _costs(recorded: Recorded, drawn: Drawn) -> tuple[_Cost, _Cost]:
    """Of the present model and of the other."""
    price = _known(recorded.price)
    if recorded.is_managed:
        return _as_managed(recorded, price, drawn), _then_augmented(recorded, drawn)
    fee = price * as_fee(drawn) * (1 + drawn["unforeseen"])
    run = fee * (1 + drawn["governance"] + drawn["extras"])
    return _as_augmented(recorded, price, drawn), _Cost(fee, run)


def _as_augmented(recorded: Recorded, price: Floats, drawn: Drawn) -> _Cost:
    """C_A: hours, our managers' hours, what is lost when people leave, and tools.

    Tools by our own records are what is billed beside time: the ledger has it.
    """
    around = _oversight(recorded, price, drawn) + _leaving(recorded, drawn)
    tools = price * drawn["tools"] * (not drawn.is_own("tools"))
    return _Cost(price, price + around + tools)


def _as_managed(recorded: Recorded, price: Floats, drawn: Drawn) -> _Cost:
    """C_M: fee, overage and changes less credits, and the hours that govern it."""
    if recorded.manager_hours is None:
        return _Cost(price, price * (1 + drawn["governance"]))
    governing = _known(recorded.manager_hours) * _hour_cost(recorded, price, drawn)
    return _Cost(price, price + governing)


def _then_augmented(recorded: Recorded, drawn: Drawn) -> _Cost:
    """C_A': the hours at what one costs elsewhere, directing them, and tools.

    Directed people also work the hours that the provider's team saves.  Where the
    hours used or their price are not known, the fee stands in, without overage and
    changes, without the premium, and with those hours: a range, not a point.
    """
    price = _known(recorded.price) / (1 + drawn["extras"]) / as_fee(drawn)
    if recorded.hours is not None and recorded.market_rate is not None:
        used = _known(recorded.hours * recorded.market_rate)
        price = used / (1 - drawn["efficiency"])
    price = price * (1 + drawn["unforeseen"])
    directing = price * drawn["manager_share"] * drawn["manager_price"]
    if recorded.hours is not None and recorded.manager_hour_cost is not None:
        # N'·μ·160·loaded cost, with N' full-time people for the hours there will be.
        hours = _known(recorded.hours) / (1 - drawn["efficiency"])
        managed = hours * drawn["manager_share"]
        directing = managed * float(recorded.manager_hour_cost)
    leaving = price * _lost_a_year(recorded, drawn) / MONTHS_PER_YEAR
    return _Cost(price, price * (1 + drawn["tools"]) + directing + leaving)


def _oversight(recorded: Recorded, price: Floats, drawn: Drawn) -> Floats:
    if recorded.manager_hours is None:
        if recorded.hours is not None and recorded.manager_hour_cost is not None:
            hours = _known(recorded.hours) * drawn["manager_share"]
            return hours * float(recorded.manager_hour_cost)
        return price * drawn["manager_share"] * drawn["manager_price"]
    return _known(recorded.manager_hours) * _hour_cost(recorded, price, drawn)


def _hour_cost(recorded: Recorded, price: Floats, drawn: Drawn) -> Floats:
    """What an hour of our managers costs; assumed as part of a contractor's hour."""
    if recorded.manager_hour_cost is not None:
        return _known(recorded.manager_hour_cost)
    hourly = price / float(recorded.hours or _hours_of(recorded))
    return hourly * drawn["manager_price"]


def _hours_of(recorded: Recorded) -> Decimal:
    """The hours of the people there are, full time; of one where nobody counted."""
    return FULL_TIME_HOURS * (recorded.people or Decimal(1))


def _leaving(recorded: Recorded, drawn: Drawn) -> Floats:
    """(churn/12)·N·ramp·lost output·price of a person's month."""
    lost = _known(recorded.price) * _lost_a_year(recorded, drawn)
    return np.asarray(lost / MONTHS_PER_YEAR)


def _lost_a_year(recorded: Recorded, drawn: Drawn) -> Floats:
    """The months of output lost in a year, for each person."""
    known = recorded.churn
    churn = drawn["churn"] if known is None else _known(known)
    return churn * drawn["ramp"] * drawn["lost_output"]


def _transition(recorded: Recorded, price: Floats, drawn: Drawn) -> Floats:
    """T: a part of the other model's yearly price, and the charge for leaving."""
    moving = drawn["transition"] * MONTHS_PER_YEAR * price
    return np.asarray(moving + float(recorded.exit_charge))


def _break_even(
    saving: Floats, transition: Floats
) -> tuple[float | None, float | None, float | None]:
    months = np.full(len(saving), np.inf)
    np.divide(transition, saving, out=months, where=saving > 0)
    # No interpolation: between a number and never there is nothing.
    p10, p50, p90 = np.quantile(months, (0.1, 0.5, 0.9), method="higher").tolist()
    return _finite(p10), _finite(p50), _finite(p90)


def _finite(months: float) -> float | None:
    return round(months, 1) if np.isfinite(months) else None


def _value_in_term(
    recorded: Recorded, saving: Floats, transition: Floats, drawn: Drawn
) -> Range | None:
    if recorded.remaining_months is None:
        return None
    return Range.of(_value(saving, transition, recorded.remaining_months, drawn))


def _value(saving: Floats, transition: Floats, months: int, drawn: Drawn) -> Floats:
    """Net present value: the transition now, the saving at each month's end."""
    monthly = (1 + drawn["discount"]) ** (1 / MONTHS_PER_YEAR) - 1
    worth = (1 - (1 + monthly) ** -months) / monthly
    return np.asarray(saving * worth - transition)


def _matters(saving: Floats, drawn: Drawn) -> tuple[Matter, ...]:
    """The assumptions that explain most of the saving's variance, the first first."""
    whole = float(np.var(saving))
    if not whole:
        return ()
    found = [
        _matter(assumption, drawn[assumption.code], saving, whole)
        for assumption in drawn.used
    ]
    telling = [matter for matter in found if matter.share >= 0.005]
    ranked = sorted(telling, key=lambda matter: (-matter.share, matter.assumption.code))
    return tuple(ranked[:MOST_MATTERING])


def _matter(
    assumption: Assumption, values: Floats, saving: Floats, whole: float
) -> Matter:
    """First-order share: the variance of the saving's mean as the value changes."""
    if np.ptp(values) == 0.0:
        return Matter(assumption, 0.0, _mean(saving), _mean(saving))
    ordered = saving[np.argsort(values, kind="stable")]
    means = np.array([part.mean() for part in np.array_split(ordered, SLICES)])
    # What is left of a slice's mean by chance alone is not the assumption's doing.
    noise = (whole - float(np.var(means))) * SLICES / len(saving)
    share = max(float(np.var(means)) - noise, 0.0) / whole
    edge = len(ordered) // OUTER
    return Matter(
        assumption, round(share, 3), _mean(ordered[:edge]), _mean(ordered[-edge:])
    )


def _mean(amounts: Floats) -> Decimal:
    return Decimal(repr(float(amounts.mean())))


def _known(amount: Decimal) -> Floats:
    return np.full(POINTS, float(amount))


def own_triangle(figures: Sequence[Decimal]) -> Triangle:
    """The organisation's own figures as a triangle: lowest, middle, highest tenth."""
    least, likely, most = np.quantile([float(f) for f in figures], (0.1, 0.5, 0.9))
    return Triangle(
        round(float(least), 4), round(float(likely), 4), round(float(most), 4)
    )


@dataclass(frozen=True)
class OwnRecords:
    """Figures of our own, one of each of so many vendors or engagements (`of`)."""

    figures: Sequence[Decimal]
    of: str
    until: date


def with_own_records(
    assumptions: Sequence[Assumption],
    own: Mapping[str, OwnRecords],
    *,
    least: int = 3,
) -> tuple[Assumption, ...]:
    """The assumptions, those replaced of which there are `least` figures of our own."""
    return tuple(
        _from_records(assumption, own[assumption.code])
        if assumption.code in own and len(own[assumption.code].figures) >= least
        else assumption
        for assumption in assumptions
    )


def _from_records(assumption: Assumption, own: OwnRecords) -> Assumption:
    return Assumption(
        code=assumption.code,
        meaning=assumption.meaning,
        triangle=own_triangle(own.figures),
        source=f"our own records of {len(own.figures)} {own.of}",
        unit=assumption.unit,
        dated_on=own.until.isoformat(),
        is_own=True,
        own_count=len(own.figures),
        own_of=own.of,
    )
