"""What a criterion is, and the registry that knows them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from engagements.values.language import translated
from engagements.values.written import format_number
from tracker.fit.evidence import Breakpoints, Observation
from tracker.fit.groups import pooled
from tracker.fit.stated import Scale

if TYPE_CHECKING:
    from tracker.fit.queries import Scope

Seen = TypeVar("Seen", bound=Observation)
# From a group's members, and what those who recorded it did, to what they tell as one.
Pool = Callable[[Collection[int], Mapping[int, Seen]], Seen | None]


@dataclass(frozen=True)
class Unit:
    """How a raw figure is shown: times `scale`, to `digits`, then `suffix`.

    `one` takes the suffix's place after a 1.  Both are English, and shown translated.
    """

    scale: float = 1.0
    digits: int = 0
    suffix: str = ""
    one: str = ""

    @property
    def name(self) -> str:
        """The unit by itself, such as a field has it beside it."""
        return translated(self.suffix).strip()

    def show(self, figure: float) -> str:
        """Return the figure as the reader writes it."""
        shown = format_number(figure * self.scale, self.digits)
        suffix = self.one if self.one and shown == "1" else self.suffix
        return shown + translated(suffix)


PERCENT = Unit(scale=100.0, suffix=" %")
MONTHS = Unit(suffix=" months", one=" month")
SKILLS = Unit(digits=1, suffix=" skills")


class Criterion(ABC, Generic[Seen]):
    """One question that tells the two models apart; declared in one file.

    `importance` and `breakpoints` are defaults that a policy may override.
    `quantity` completes "if … fell below 41 %".  `scale` says what a person may
    state of it before there are records.

    `augmented_breakpoints` stand in where augmentation runs and the question reads
    otherwise there.  `waits_for` names what is not built yet, while nothing can be
    recorded: until then running engagements are judged without the criterion, since
    nobody could do anything about its being missing; stated, it counts like others.
    `only_rises` says that what is recorded of it can't become less, as time that has
    passed.  `rows` is the model whose records are behind the figure, such as "worklog".
    """

    code: ClassVar[str]
    label: ClassVar[str]
    question: ClassVar[str]
    dimension: ClassVar[str]
    importance: ClassVar[float]
    breakpoints: ClassVar[Breakpoints]
    unit: ClassVar[Unit]
    quantity: ClassVar[str]
    how_to_record: ClassVar[str]
    scale: ClassVar[Scale]
    augmented_breakpoints: ClassVar[Breakpoints | None] = None
    waits_for: ClassVar[str] = ""
    rows: ClassVar[str] = ""
    only_rises: ClassVar[bool] = False

    @abstractmethod
    def gather(self, scope: Scope) -> Mapping[int, Seen]:
        """Read the scope's records, in a number of queries that never grows.

        By engagement id; an engagement left out has not recorded the fact.
        """

    def pooling(self, scope: Scope) -> Pool[Seen]:
        """How what several engagements of the scope recorded is told as one's.

        A group says what one engagement with the records of all would say; None where
        that had not recorded the fact.  What the members' observations don't hold is
        read here, in a number of queries that never grows.
        """
        return added_up

    @abstractmethod
    def sentence(self, observation: Seen) -> str:
        """The fact with its figures, in the language of whoever reads an assessment.

        A night asks for it in each language of the product.
        """


def added_up(_members: Collection[int], seen: Mapping[int, Any]) -> Any:
    """The pool of what each member tells of itself, or that all share alike."""
    return pooled(list(seen.values())) if seen else None


AnyCriterion = Criterion[Any]
C = TypeVar("C", bound=AnyCriterion)


class DuplicateCriterionError(Exception):
    """Two criteria claim the same code."""


class Registry:
    def __init__(self) -> None:
        self._criteria: dict[str, AnyCriterion] = {}

    def add(self, criterion: type[C]) -> type[C]:
        """Class decorator. Raises DuplicateCriterionError for a code taken already."""
        if criterion.code in self._criteria:
            raise DuplicateCriterionError(criterion.code)
        self._criteria[criterion.code] = criterion()
        return criterion

    def all(self) -> tuple[AnyCriterion, ...]:
        """By code: the order in which weights are summed, whoever registered first."""
        return tuple(self._criteria[code] for code in sorted(self._criteria))


registry = Registry()
