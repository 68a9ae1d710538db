"""Service credits: what missed windows cost the provider, by the contract's scheme.

Amounts are in the contract's currency and whole minor units of it. Percentages are
such as 10 for 10 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from engagements.values.money import allocate, round_money

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Miss:
    """A level that was missed in the window, with its terms for credits.

    `allocation` is its share of the pool or, in a flat scheme, of the fee; `severity`
    is how much of its share of the pool a miss takes.
    """

    level: int
    value: Decimal
    is_ceiling: bool = False
    allocation: Decimal = Decimal(0)
    severity: Decimal = HUNDRED
    points: int = 0
    incidents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """A step of points or tiers; `level` is None where it serves every level."""

    bound: Decimal
    percent: Decimal
    level: int | None = None


@dataclass(frozen=True)
class Terms:
    """What a credit is worked out from: the window's fee and what of it is at risk.

    A share at risk of 0 caps nothing, except that a pool of nothing pays nothing.
    """

    fee: Decimal
    currency: str
    at_risk: Decimal = Decimal(0)
    steps: tuple[Step, ...] = ()

    @property
    def at_risk_amount(self) -> Decimal:
        return self.share(self.at_risk)

    def share(self, percent: Decimal) -> Decimal:
        return round_money(self.fee * percent / HUNDRED, self.currency)


@dataclass(frozen=True)
class CreditLine:
    """What is due for a level, or by points for the window; before and after the cap.

    `points` are those reached, `percent` the share of the fee that the scheme gives.
    """

    level: int | None
    amount: Decimal
    uncapped: Decimal
    percent: Decimal
    points: int = 0


def by_pool(misses: Sequence[Miss], terms: Terms) -> list[CreditLine]:
    """Each level takes allocation, severity and the share at risk of the fee."""
    lines = [
        _line(miss, terms, miss.allocation * miss.severity * terms.at_risk / 10_000)
        for miss in misses
    ]
    return capped(lines, terms.at_risk_amount, terms.currency)


def by_points(misses: Sequence[Miss], terms: Terms) -> list[CreditLine]:
    """All levels' points together reach a step; `terms.fee` is the next bill's."""
    points = sum(miss.points for miss in misses)
    reached = [s.percent for s in terms.steps if s.level is None and s.bound <= points]
    percent = max(reached, default=Decimal(0))
    amount = terms.share(percent)
    line = CreditLine(None, amount, amount, percent, points)
    return _within_risk([line], terms)


def by_tiers(misses: Sequence[Miss], terms: Terms) -> list[CreditLine]:
    """Each level's figure falls through its tiers; the deepest one counts."""
    lines = [_line(miss, terms, _tier(miss, terms.steps)) for miss in misses]
    return _within_risk(lines, terms)


def flat(misses: Sequence[Miss], terms: Terms) -> list[CreditLine]:
    """Each level gives its share of the fee; an incident counts for one level only.

    We pick the largest of those that it hit, and the first of equal ones.
    """
    lines = [_line(miss, terms, miss.allocation) for miss in _picked(misses)]
    return _within_risk(lines, terms)


SCHEMES = {"pool": by_pool, "points": by_points, "tiers": by_tiers, "flat": flat}


def credits_due(scheme: str, misses: Sequence[Miss], terms: Terms) -> list[CreditLine]:
    """Return what is due for a window, without lines of nothing."""
    if scheme not in SCHEMES or not misses:
        return []
    return [line for line in SCHEMES[scheme](misses, terms) if line.amount > 0]


def capped(
    lines: Sequence[CreditLine], cap: Decimal, currency: str
) -> list[CreditLine]:
    """Share the cap among the lines by what each would be, to the cent."""
    total = sum((line.uncapped for line in lines), Decimal(0))
    if total <= cap:
        return list(lines)
    amounts = allocate(cap, [line.uncapped for line in lines], currency)
    return [
        replace(line, amount=amount)
        for line, amount in zip(lines, amounts, strict=True)
    ]


def is_earned_back(at_target: Iterable[bool | None], windows: int | None) -> bool:
    """Whether the target was reached in each of the windows that follow a miss.

    `at_target` are those windows, the earliest first; None is a window without data,
    which shows nothing.
    """
    if not windows:
        return False
    following = list(at_target)[:windows]
    return len(following) == windows and all(following)


def _line(miss: Miss, terms: Terms, percent: Decimal) -> CreditLine:
    amount = terms.share(percent)
    return CreditLine(miss.level, amount, amount, percent)


def _within_risk(lines: list[CreditLine], terms: Terms) -> list[CreditLine]:
    if not terms.at_risk:
        return lines
    return capped(lines, terms.at_risk_amount, terms.currency)


def _tier(miss: Miss, steps: Sequence[Step]) -> Decimal:
    own = [step for step in steps if step.level == miss.level]
    serving = own or [step for step in steps if step.level is None]
    failed = [
        step.percent
        for step in serving
        if (miss.value > step.bound if miss.is_ceiling else miss.value < step.bound)
    ]
    return max(failed, default=Decimal(0))


def _picked(misses: Sequence[Miss]) -> list[Miss]:
    """Leave one level for each set of levels that incidents tie together."""
    ordered = sorted(misses, key=lambda miss: -miss.allocation)
    taken: dict[str, int] = {}
    picked = []
    for miss in ordered:
        if any(incident in taken for incident in miss.incidents):
            continue
        picked.append(miss)
        taken.update(dict.fromkeys(miss.incidents, miss.level))
    order = {miss.level: index for index, miss in enumerate(misses)}
    return sorted(picked, key=lambda miss: order[miss.level])


def fee_in(prices: Sequence[tuple[int, Decimal]], days: int, currency: str) -> Decimal:
    """Return a month's fee out of the days that each fee was in force."""
    total = sum((fee * count for count, fee in prices), Decimal(0))
    return round_money(total / days, currency)
