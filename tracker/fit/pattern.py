"""What a pattern is, what it finds, and the registry that knows them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from tracker.fit.queries import Scope

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Words:
    """What was seen: `value` and `threshold` with their units, `sentence` in full."""

    sentence: str
    value: str
    threshold: str


@dataclass(frozen=True)
class Finding:
    """A pattern seen in an engagement, and what is behind.

    Its words are those of whatever language is spoken when they are asked for.
    `engagements` are the ids whose records are behind it, `records` how many those
    are: who shows them keeps to what its reader may see.
    """

    pattern: AnyPattern
    seen: Any
    records: int
    engagements: tuple[int, ...]

    @property
    def code(self) -> str:
        return self.pattern.code

    @property
    def label(self) -> str:
        return self.pattern.label

    @property
    def advice(self) -> str:
        return self.pattern.advice

    @property
    def words(self) -> Words:
        return self.pattern.words(self.seen)

    @property
    def sentence(self) -> str:
        return self.words.sentence

    @property
    def value(self) -> str:
        return self.words.value

    @property
    def threshold(self) -> str:
        return self.words.threshold


class Pattern(ABC, Generic[Seen]):
    """A trait of a contract that speaks by itself, beside fit; declared in one file.

    A pattern moves no verdict.  `advice` is what to look into first.  `is_dated` says
    that a law or a contract sets a day: such a pattern asks for a decision at once,
    without two evaluations that agree.  `rows` is the model whose records are behind
    the figure, such as "worklog", and `months` how far back they reach.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    rule: ClassVar[str]
    advice: ClassVar[str]
    is_dated: ClassVar[bool] = False
    rows: ClassVar[str] = ""
    months: ClassVar[int] = 12

    @abstractmethod
    def find(self, scope: Scope) -> Mapping[int, Finding]:
        """By engagement id, in a number of queries that never grows with the scope."""

    @abstractmethod
    def words(self, seen: Seen) -> Words:
        """What was seen, with its figures, in the reader's language."""

    def finding(
        self, seen: Seen, *, records: int, engagements: tuple[int, ...]
    ) -> Finding:
        return Finding(self, seen, records, engagements)


AnyPattern = Pattern[Any]
P = TypeVar("P", bound=AnyPattern)


class DuplicatePatternError(Exception):
    """Two patterns claim the same code."""


class Registry:
    def __init__(self) -> None:
        self._patterns: dict[str, AnyPattern] = {}

    def add(self, pattern: type[P]) -> type[P]:
        """Class decorator. Raises DuplicatePatternError for a code taken already."""
        if pattern.code in self._patterns:
            raise DuplicatePatternError(pattern.code)
        self._patterns[pattern.code] = pattern()
        return pattern

    def all(self) -> tuple[AnyPattern, ...]:
        return tuple(self._patterns[code] for code in sorted(self._patterns))


registry = Registry()
