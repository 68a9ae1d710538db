"""Percentiles of rates, and how few of them say too much of one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

# From so many rates on percentiles are shown: fewer would tell what somebody earns.
FEWEST = 5


@dataclass(frozen=True)
class Percentiles:
    """Quartiles and the 90th percentile of `count` rates."""

    count: int
    p25: Decimal
    p50: Decimal
    p75: Decimal
    p90: Decimal


def percentile(ordered: Sequence[Decimal], percent: int) -> Decimal:
    """Return the percentile of rising figures, by straight lines between them.

    Raises ValueError without any.
    """
    if not ordered:
        raise ValueError("There are no figures.")
    place = Decimal(percent) * (len(ordered) - 1) / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def percentiles(figures: Sequence[Decimal], *, fewest: int = 1) -> Percentiles | None:
    """Return the percentiles, or None of fewer figures than `fewest`."""
    if len(figures) < max(fewest, 1):
        return None
    ordered = sorted(figures)
    p25, p50, p75, p90 = (percentile(ordered, each) for each in (25, 50, 75, 90))
    return Percentiles(len(ordered), p25, p50, p75, p90)


def part_below(ordered: Sequence[Decimal], figure: Decimal) -> Decimal:
    """Return which part of the figures lies below one; equal ones count half."""
    below = sum(each < figure for each in ordered)
    equal = sum(each == figure for each in ordered)
    return (Decimal(below) + Decimal(equal) / 2) / len(ordered)
