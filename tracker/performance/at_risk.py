"""What is at risk in a window that still runs: from the figures so far, no forecast.

"Two more misses and a credit is due" is a plain count: what the figure would be after
so many more misses, and what the contract's scheme would then give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tracker.performance.credits import Miss, Terms, credits_due
from tracker.performance.service_levels import HUNDRED, SECONDS, Bounds

# So many misses ahead are looked at; more is no risk of this window.
LOOKS_AHEAD = 10
# From so many misses on, a level is near its bound.
NEAR_MISSES = 2
# Of the downtime that a window allows, what is left when it gets near.
NEAR_SHARE = Decimal("0.25")


class Risk(StrEnum):
    SHORT = "short"
    NEAR = "near"
    SAFE = "safe"
    SILENT = "silent"


@dataclass(frozen=True)
class SoFar:
    """A level's running window: its bounds and what the records come to by now.

    `good` of `total` where it is counted, `down` and `service` seconds where it is a
    matter of downtime; `service` is of the whole window, its days ahead included.
    """

    level: int
    bounds: Bounds
    value: Decimal | None = None
    good: int | None = None
    total: int | None = None
    down: int | None = None
    service: int | None = None

    @property
    def bound(self) -> Decimal:
        """What decides between met and missed."""
        bounds = self.bounds
        return bounds.target if bounds.minimum is None else bounds.minimum

    @property
    def is_counted(self) -> bool:
        return self.good is not None and bool(self.total)


@dataclass(frozen=True)
class CreditAhead:
    """After how many more misses a credit is due, 0 as it stands, and how much."""

    misses: int
    amount: Decimal


def value_after(so_far: SoFar, misses: int) -> Decimal | None:
    """Return the figure once so many more have gone wrong; None where nobody knows.

    A level that isn't counted has no misses within its window: its figure stands.
    """
    if not so_far.is_counted or so_far.good is None or so_far.total is None:
        return so_far.value if misses == 0 else None
    # Of a share that is to stay low, such as defects, a miss is one more of it.
    good = so_far.good + (misses if so_far.bounds.is_ceiling else 0)
    return HUNDRED * good / (so_far.total + misses)


def misses_left(so_far: SoFar) -> int | None:
    """Return how many more misses the level bears; None beyond those looked at.

    0 means that the next one breaks it. A level that is short bears none either.
    """
    if not so_far.is_counted:
        return None
    for misses in range(1, LOOKS_AHEAD + 1):
        value = value_after(so_far, misses)
        if value is not None and not so_far.bounds.is_reached(value):
            return misses - 1
    return None


def minutes_left(so_far: SoFar) -> Decimal | None:
    """Return how much more downtime the window bears; below 0 once it is broken."""
    allowed = _allowed_seconds(so_far)
    if allowed is None or so_far.down is None:
        return None
    return (allowed - so_far.down) / SECONDS


def risk_of(so_far: SoFar) -> Risk:
    if so_far.value is None:
        return Risk.SILENT
    if not so_far.bounds.is_reached(so_far.value):
        return Risk.SHORT
    left = misses_left(so_far)
    if left is not None and left < NEAR_MISSES:
        return Risk.NEAR
    allowed, minutes = _allowed_seconds(so_far), minutes_left(so_far)
    if allowed is not None and minutes is not None:
        return Risk.NEAR if minutes * SECONDS <= allowed * NEAR_SHARE else Risk.SAFE
    return Risk.SAFE


def credit_ahead(
    so_far: SoFar, *, scheme: str, others: Sequence[Miss], own: Miss, terms: Terms
) -> CreditAhead | None:
    """Return when this level's misses would first cost the provider, and how much.

    `others` are the contract's other levels that are short in the same window: their
    points add up. `own` holds this level's terms for credits; its figure is what so
    many more misses make of it.
    """
    without = _sum(scheme, others, terms)
    for misses in range(LOOKS_AHEAD + 1):
        value = value_after(so_far, misses)
        if value is None or so_far.bounds.is_reached(value):
            continue
        missed = Miss(
            level=own.level,
            value=value,
            is_ceiling=own.is_ceiling,
            allocation=own.allocation,
            severity=own.severity,
            points=own.points,
        )
        amount = _sum(scheme, [*others, missed], terms) - without
        if amount > 0:
            return CreditAhead(misses, amount)
    return None


def _sum(scheme: str, misses: Sequence[Miss], terms: Terms) -> Decimal:
    lines = credits_due(scheme, misses, terms)
    return sum((line.amount for line in lines), Decimal(0))


def _allowed_seconds(so_far: SoFar) -> Decimal | None:
    if not so_far.service or so_far.bounds.is_ceiling:
        return None
    return so_far.service * (HUNDRED - so_far.bound) / HUNDRED
