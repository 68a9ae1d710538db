"""Criteria that are told from work logs: of an engagement, a group, or a part of it."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from tracker.fit.criterion import Criterion, Pool, Seen, added_up
from tracker.fit.queries import Scope

Tally = TypeVar("Tally")
# An engagement's id, and what the logs say in each of the fields asked for besides.
Key = tuple[Any, ...]


class Tallied(Criterion[Seen], Generic[Seen, Tally]):
    """What work logs hold is tallied first, and tallies are told together.

    So a group tells what one engagement with all of its logs would, and a part of the
    work what its own logs do.  `settled_by` names the field of logs by which the work
    can be split so that the figure of each part is settled beforehand.
    """

    settled_by: ClassVar[str] = ""

    @abstractmethod
    def tallies(self, scope: Scope, *by: str) -> Mapping[Key, Tally]:
        """Tally the logs by engagement and by these fields of theirs, in one query."""

    @abstractmethod
    def told(self, scope: Scope, tallies: Sequence[Tally]) -> Seen | None:
        """What these tallies say together; None where they don't record it."""

    def gather(self, scope: Scope) -> Mapping[int, Seen]:
        found = {
            engagement: self.told(scope, [tally])
            for (engagement,), tally in self.tallies(scope).items()
        }
        return {pk: seen for pk, seen in found.items() if seen is not None}

    def pooling(self, scope: Scope) -> Pool[Seen]:
        tallies = self.tallies(scope)

        def pool(members: Collection[int], seen: Mapping[int, Seen]) -> Seen | None:
            own = [tallies[pk,] for pk in sorted(members) if (pk,) in tallies]
            told = self.told(scope, own) if own else None
            # What is told of other records than logs, where there are no logs.
            return told or added_up(members, seen)

        return pool
