"""Round steps for an axis, and the place of a value along it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tracker.dashboards.charts.svg import pixels

ROUND_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class Scale:
    """Maps low..high to start..end; `start` may be the greater (a vertical axis)."""

    low: Decimal
    high: Decimal
    start: Decimal
    end: Decimal

    def place(self, value: Decimal) -> Decimal:
        share = (value - self.low) / (self.high - self.low)
        return pixels(self.start + share * (self.end - self.start))


@dataclass(frozen=True)
class RootScale(Scale):
    """By signed square roots: one far value leaves room for the others."""

    def place(self, value: Decimal) -> Decimal:
        share = (_root(value) - _root(self.low)) / (_root(self.high) - _root(self.low))
        return pixels(self.start + share * (self.end - self.start))


def root_ticks(low: Decimal, high: Decimal) -> Sequence[Decimal]:
    """Return zero, and on each side that has values a round end and its quarter.

    On a `RootScale` the quarter stands in the middle between zero and the end.
    """
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        high = Decimal(1)
    below = [-_round_step(-low), -_round_step(-low) / 4] if low else []
    above = [_round_step(high) / 4, _round_step(high)] if high else []
    return [*below, Decimal(0), *above]


def _root(value: Decimal) -> Decimal:
    return abs(value).sqrt().copy_sign(value)


def round_ticks(low: Decimal, high: Decimal, steps: int = 4) -> Sequence[Decimal]:
    """Return evenly spaced round values that cover low..high and include zero."""
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        high = Decimal(1)
    return round_ticks_between(low, high, steps)


def round_ticks_between(
    low: Decimal, high: Decimal, steps: int = 4
) -> Sequence[Decimal]:
    """Return evenly spaced round values that cover low..high; `low` < `high`."""
    step = _round_step((high - low) / steps)
    first = (low / step).to_integral_value(rounding=ROUND_FLOOR)
    last = (high / step).to_integral_value(rounding=ROUND_CEILING)
    return [step * number for number in range(int(first), int(last) + 1)]


def _round_step(rough: Decimal) -> Decimal:
    magnitude = Decimal(1).scaleb(rough.adjusted())
    fitting = (step * magnitude for step in ROUND_STEPS if step * magnitude >= rough)
    return next(fitting)
