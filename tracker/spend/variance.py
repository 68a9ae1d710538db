"""Why spend differs between two periods: price, volume, mix and FX, exactly additive.

Pure arithmetic, on whole ten-thousandths. F is what one unit of the line's currency
came to in the reporting currency, R the price of one unit of service, H the units:

    FX     = (F1 - F0) · R1 · H1
    price  = (R1 - R0) · F0 · H1
    volume = (ΣH1 - ΣH0) · share0 · R0 · F0
    mix    = (H1 - ΣH1 · share0) · R0 · F0

`share0` is the line's part of the hours of the first period, over all lines that are
measured in hours and go on; so volume is what more or fewer hours would have cost in
the old proportions, and mix what the change of proportions did. Lines measured in
months of service have no mix. What began or ended with its engagement is told apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from enum import Enum
from fractions import Fraction
from math import floor

# How many ten-thousandths an integer of money counts in one unit of a currency.
SCALE = 10_000
ZERO = Fraction(0)


class Unit(Enum):
    HOURS = "hours"
    MONTHS = "months"


@dataclass(frozen=True)
class Measure:
    """One period of a line: ten-thousandths of its own and the reporting currency.

    `units` are hours or months of service.
    """

    units: Fraction = ZERO
    amount: int = 0
    reporting: int = 0


@dataclass(frozen=True)
class Line:
    """What is compared, such as one engagement's time on one cost centre.

    `is_new` and `is_ended` speak of its engagement: without any spend in the first
    period, or in the second.
    """

    unit: Unit
    before: Measure
    after: Measure
    is_new: bool = False
    is_ended: bool = False


@dataclass(frozen=True)
class Parts:
    """The parts of a variance, in ten-thousandths; they sum to it exactly."""

    fx: int = 0
    price: int = 0
    volume: int = 0
    mix: int = 0
    new: int = 0
    ended: int = 0

    @property
    def total(self) -> int:
        return sum(astuple(self))

    def __add__(self, other: "Parts") -> "Parts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Parts(*(mine + theirs for mine, theirs in pairs))


NAMES = tuple(field.name for field in fields(Parts))


@dataclass(frozen=True)
class Pool:
    """The hours of all lines that go on, by which volume is told from mix."""

    before: Fraction = ZERO
    after: Fraction = ZERO


def pool_of(lines: Iterable[Line]) -> Pool:
    before = after = ZERO
    for line in lines:
        if line.unit is Unit.HOURS and _is_comparable(line):
            before += line.before.units
            after += line.after.units
    return Pool(before, after)


def variances(lines: Sequence[Line], minor_unit: int) -> list[Parts]:
    """Return the parts of each line's variance, in whole minor units.

    `minor_unit` is that of the reporting currency in ten-thousandths: 100 for a cent.
    The amounts must be whole ones. What rounding leaves goes by largest remainder, in
    the order of the parts, so that no part is a whole minor unit off its exact value
    and one that is nothing stays nothing.
    """
    pool = pool_of(lines)
    return [_rounded(_exact(line, pool), minor_unit) for line in lines]


def _exact(line: Line, pool: Pool) -> tuple[Fraction, ...]:
    """Return fx, price, volume, mix, new and ended before rounding."""
    before, after = line.before, line.after
    if line.is_new:
        return (ZERO, ZERO, ZERO, ZERO, Fraction(after.reporting), ZERO)
    if line.is_ended:
        return (ZERO, ZERO, ZERO, ZERO, ZERO, Fraction(-before.reporting))
    if _has_begun(line):
        # No old price to compare with: more of what goes on.
        return (ZERO, ZERO, Fraction(after.reporting), ZERO, ZERO, ZERO)
    factor = _factor(before, after)
    fx = after.reporting - factor * after.amount
    in_old_money = factor * after.amount - before.reporting
    if not _is_comparable(line):
        return (fx, in_old_money, ZERO, ZERO, ZERO, ZERO)
    old_price = Fraction(before.reporting) / before.units
    more = old_price * (after.units - before.units)
    volume = more
    if line.unit is Unit.HOURS and pool.before:
        share = before.units / pool.before
        volume = (pool.after - pool.before) * share * old_price
    return (fx, in_old_money - more, volume, more - volume, ZERO, ZERO)


def _has_begun(line: Line) -> bool:
    before = line.before
    return not (before.units or before.amount or before.reporting)


def _is_comparable(line: Line) -> bool:
    """Whether there is an old price: units before, and no amounts without units."""
    if line.is_new or line.is_ended or line.before.units <= 0:
        return False
    return line.after.units > 0 or not line.after.amount


def _factor(before: Measure, after: Measure) -> Fraction:
    """Return the old worth of the currency, or the new one where there is none."""
    known = before if before.amount else after
    return Fraction(known.reporting, known.amount) if known.amount else ZERO


def _rounded(exact: Sequence[Fraction], minor_unit: int) -> Parts:
    in_units = [part / minor_unit for part in exact]
    total = sum(in_units, ZERO)
    if total.denominator != 1:
        raise ValueError("The amounts are not whole minor units.")
    whole = [floor(part) for part in in_units]
    left = int(total) - sum(whole)
    by_remainder = sorted(
        range(len(whole)), key=lambda index: (whole[index] - in_units[index], index)
    )
    for index in by_remainder[:left]:
        whole[index] += 1
    return Parts(*(units * minor_unit for units in whole))
