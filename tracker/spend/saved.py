"""Where savings come from that records elsewhere tell of.

Spend knows nothing of service levels; what does registers here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Realised:
    """What one record shows: an invoice line, or a sentence in its place."""

    amount: Decimal
    on: date
    invoice_line: int | None = None
    note: str = ""


@dataclass(frozen=True)
class FoundSaving:
    """A saving as records tell of it; `key` is its own for good.

    `is_withdrawn` where what it rested on holds no longer. One that `follows` tells
    all that records show by now, once a day: what was claimed and realised before is
    brought in line with it, up or down. `owner` and `note` are those of the claim.
    """

    key: str
    kind: str
    title: str
    engagement: int
    amount: Decimal
    since: date
    realised: tuple[Realised, ...] = ()
    is_withdrawn: bool = False
    until: date | None = None
    follows: bool = False
    owner: int | None = None
    note: str = ""


SavingSource = Callable[[], Iterable[FoundSaving]]

_SOURCES: list[SavingSource] = []


def savings_from(source: SavingSource) -> SavingSource:
    """Register where savings are found; once however often it is said."""
    if source not in _SOURCES:
        _SOURCES.append(source)
    return source


def found_savings() -> list[FoundSaving]:
    return [saving for source in _SOURCES for saving in source()]
