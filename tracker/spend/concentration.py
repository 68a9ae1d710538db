"""How much of the spend hangs on few vendors."""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

# US Department of Justice and Federal Trade Commission, Merger Guidelines of 2023,
# guideline 1: a market above 1,800 is highly concentrated; of 1,000 to 1,800, somewhat.
MODERATE = Decimal(1000)
HIGH = Decimal(1800)
WHOLE = Decimal(100)


class Concentration(Enum):
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


def shares(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Return each amount's share of all; what is paid back on balance has none."""
    whole = sum((amount for amount in amounts if amount > 0), Decimal(0))
    return [
        max(amount, Decimal(0)) / whole if whole else Decimal(0) for amount in amounts
    ]


def herfindahl_points(share: Decimal) -> Decimal:
    """Return what one share adds to the index: the square of its percentage."""
    return (share * WHOLE) ** 2


def herfindahl_index(amounts: Sequence[Decimal]) -> Decimal:
    """Return the Herfindahl-Hirschman index, from 0 to 10,000 for a single vendor."""
    return sum((herfindahl_points(share) for share in shares(amounts)), Decimal(0))


def concentration_of(index: Decimal) -> Concentration:
    if index > HIGH:
        return Concentration.HIGH
    return Concentration.MODERATE if index >= MODERATE else Concentration.LOW
