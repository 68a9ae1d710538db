"""A table of a topic: page, CSV and XLSX by one class, sorted as the address asks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from engagements.values.language import translated
from tracker.dashboards.report import Report, Row
from tracker.dashboards.topics.order import ORDER, Order, order_asked
from tracker.dashboards.topics.scope import TopicScope


class TopicReport(Report):
    """Registered apart from those of spend, by slugs of their own.

    Titles are marked for translation where the class is written, and told in the
    reader's language by each report made.
    """

    _registered: ClassVar[dict[str, type[Report]]] = {}
    # What is said where there are no rows, and what to do about it.
    nothing: ClassVar[str] = ""
    says: ClassVar[str] = ""

    def __init__(self, scope: TopicScope) -> None:
        super().__init__(scope)
        self.topic = scope
        vars(self).update(
            title=translated(self.title),
            noun=translated(self.noun),
            columns=[
                replace(each, title=translated(each.title) if each.title else "")
                for each in self.columns
            ],
        )

    @abstractmethod
    def listed(self) -> Sequence[Row]:
        """Return every row, in the order that tells most."""

    @cached_property
    def order(self) -> Order | None:
        asked = self.scope.parameters.get(ORDER, "")
        return order_asked(asked, self.slug, self.columns)

    @cached_property
    def found(self) -> Sequence[Row]:
        rows = self.listed()
        return self.order.applied(rows) if self.order else rows

    def rows(self) -> Iterator[Row]:
        return iter(self.found)

    def row_count(self) -> int:
        return len(self.found)

    def note(self) -> str:
        return translated(self.says) if self.says else ""

    def when_empty(self) -> str:
        return translated(self.nothing) if self.nothing else ""
