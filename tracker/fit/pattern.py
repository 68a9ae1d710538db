"""What a pattern is, what it finds, and the registry that knows them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from tracker.fit.queries import Scope


@dataclass(frozen=True)
class Finding:
    """A pattern seen in an engagement: the figure, its threshold and what is behind.

    `value` and `threshold` are words with their units; `sentence` says what was seen.
    `engagements` are the ids whose records are behind it, `records` how many those
    are: who shows them keeps to what its reader may see.
    """

    code: str
    label: str
    sentence: str
    value: str
    threshold: str
    advice: str
    records: int
    engagements: tuple[int, ...]


class Pattern(ABC):
    """A trait of a contract that speaks by itself, beside fit; declared in one file.

    A pattern moves no verdict.  `advice` is what to look into first.  `is_dated` says
    that a law or a contract sets a day: such a pattern asks for a decision at once,
    without two evaluations that agree.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    rule: ClassVar[str]
    advice: ClassVar[str]
    is_dated: ClassVar[bool] = False

    @abstractmethod
    def find(self, scope: Scope) -> Mapping[int, Finding]:
        """By engagement id, in a number of queries that never grows with the scope."""

    def finding(
        self,
        *,
        sentence: str,
        value: str,
        threshold: str,
        records: int,
        engagements: tuple[int, ...],
    ) -> Finding:
        return Finding(
            code=self.code,
            label=self.label,
            sentence=sentence,
            value=value,
            threshold=threshold,
            advice=self.advice,
            records=records,
            engagements=engagements,
        )


P = TypeVar("P", bound=Pattern)


class DuplicatePatternError(Exception):
    """Two patterns claim the same code."""


class Registry:
    def __init__(self) -> None:
        self._patterns: dict[str, Pattern] = {}

    def add(self, pattern: type[P]) -> type[P]:
        """Class decorator. Raises DuplicatePatternError for a code taken already."""
        if pattern.code in self._patterns:
            raise DuplicatePatternError(pattern.code)
        self._patterns[pattern.code] = pattern()
        return pattern

    def all(self) -> tuple[Pattern, ...]:
        return tuple(self._patterns[code] for code in sorted(self._patterns))


registry = Registry()
