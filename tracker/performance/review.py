"""Marks of reviews: their mean, how they move, and when the next one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from engagements.values.periods import add_months
from tracker.performance.scorecard import Trend

LOWEST, HIGHEST = 1, 5
TENTH = Decimal("0.1")
# Marks between two reviews that are more than a matter of taste.
STEADY_WITHIN = Decimal("0.3")


@dataclass(frozen=True)
class Marks:
    """From 1 (poor) to 5 (excellent) on each criterion, all of the same weight."""

    quality: int
    delivery: int
    communication: int
    knowledge_transfer: int
    initiative: int

    @property
    def mean(self) -> Decimal:
        """The mean to one decimal, halves away from zero."""
        marks: tuple[int, ...] = astuple(self)
        mean = Decimal(sum(marks)) / len(marks)
        return mean.quantize(TENTH, rounding=ROUND_HALF_UP)

    @property
    def deficit(self) -> float:
        """How far it falls short: 0 where every mark is 5, 1 where every one is 1."""
        marks: tuple[int, ...] = astuple(self)
        return sum(HIGHEST - mark for mark in marks) / ((HIGHEST - LOWEST) * len(marks))


CRITERIA = tuple(field.name for field in fields(Marks))


def trend_of(means: Sequence[Decimal]) -> Trend | None:
    """Compare the last mean with the one before; None where there are not two."""
    if len(means) < 2:
        return None
    moved = means[-1] - means[-2]
    if abs(moved) < STEADY_WITHIN:
        return Trend.STEADY
    return Trend.RISING if moved > 0 else Trend.FALLING


def due_on(reviewed_until: date, every_months: int) -> date:
    """Return from when a review is asked for, where the last one reached a day.

    The engagement's first day stands for the last review where there is none.
    """
    return add_months(reviewed_until, every_months)
