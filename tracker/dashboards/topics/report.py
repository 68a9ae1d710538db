"""A table of a topic: page, files and the API's answer by one class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from engagements.values.language import translated
from tracker.dashboards.report import Report, Row
from tracker.dashboards.topics.scope import TopicScope


class TopicReport(Report):
    """Registered apart from those of spend, since it takes its topic's filters."""

    _registered: ClassVar[dict[str, type[Report]]] = {}
    # What is said where there are no rows, and what to do about it.
    nothing: ClassVar[str] = ""
    says: ClassVar[str] = ""

    def __init__(self, scope: TopicScope) -> None:
        super().__init__(scope)
        self.topic = scope

    @abstractmethod
    def listed(self) -> Sequence[Row]:
        """Return every row, in the order that tells most."""

    @cached_property
    def found(self) -> Sequence[Row]:
        return self.listed()

    def rows(self) -> Iterator[Row]:
        return iter(self.found)

    def row_count(self) -> int:
        return len(self.found)

    def note(self) -> str:
        return translated(self.says) if self.says else ""

    def when_empty(self) -> str:
        return translated(self.nothing) if self.nothing else ""
