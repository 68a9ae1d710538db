"""A figure with what it is made of, down to the rows: pure, and kept as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Part:
    """One figure and its parts, which sum to it.

    `code` says what it is and `facts` what it was worked out from; surfaces put both
    into words, so that what is stored speaks no language.
    """

    code: str
    amount: Decimal
    facts: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def walk(self) -> Iterator[Part]:
        """Yield the part and all that it is made of."""
        yield self
        for part in self.parts:
            yield from part.walk()


def whole(code: str, parts: Iterable[Part], **facts: str) -> Part:
    """Return the sum of the parts; those of nothing are kept, since they explain."""
    found = tuple(parts)
    total = sum((part.amount for part in found), NOTHING)
    return Part(code, total, facts, found)


def opposite(part: Part) -> Part:
    """Return the part as it is taken away, with all that it is made of."""
    parts = tuple(opposite(one) for one in part.parts)
    return Part(part.code, NOTHING - part.amount, part.facts, parts)


def as_json(part: Part) -> dict[str, Any]:
    """Return what JSON can hold; amounts are text, to the digit."""
    kept: dict[str, Any] = {"code": part.code, "amount": f"{part.amount:f}"}
    if part.facts:
        kept["facts"] = dict(part.facts)
    if part.parts:
        kept["parts"] = [as_json(one) for one in part.parts]
    return kept


def from_json(kept: Mapping[str, Any]) -> Part:
    return Part(
        kept["code"],
        Decimal(kept["amount"]),
        kept.get("facts", {}),
        tuple(from_json(one) for one in kept.get("parts", ())),
    )
