"""What a topic is, and what its pages show before any template is touched."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

from django.utils.translation import gettext as _

from tracker.dashboards.filters import PARAMETERS, Asking
from tracker.dashboards.pages import (
    Figure,
    Frame,
    Link,
    Section,
    as_of,
    card_table,
    downloads,
    eyebrow,
    paper,
    said_of,
    sheets,
)
from tracker.dashboards.paper.pages import Paper
from tracker.dashboards.part import Part, Told
from tracker.dashboards.report import Report
from tracker.dashboards.scope import Scope
from tracker.dashboards.topics.report import TopicReport
from tracker.dashboards.topics.scope import Choice, TopicScope, asking

ROWS_SHOWN = 15


@dataclass(frozen=True)
class TopicPage:
    """`advice` says what to record where there is nothing to show at all."""

    eyebrow: str
    title: str
    as_of: str
    figures: Sequence[Figure]
    sections: Sequence[Section]
    back: Link | None = None
    more: Sequence[Link] = ()
    advice: Sequence[tuple[str, str]] = ()
    # Buttons below the advice.
    actions: Sequence[Link] = ()


class Topic(Part):
    """One page with the reports on it; each topic is a package of its own."""

    reports: ClassVar[Sequence[type[Report]]]
    # Filters that no other page has, and those of all pages that it takes.
    more: ClassVar[Sequence[Choice]] = ()
    takes: ClassVar[Sequence[str]] = PARAMETERS

    @cached_property
    def by_slug(self) -> Mapping[str, type[Report]]:
        return {report.slug: report for report in self.reports}

    @cached_property
    def asking(self) -> Asking:
        return asking(self.name, frozenset(self.by_slug), self.more, self.takes)

    @abstractmethod
    def page(self, scope: TopicScope) -> TopicPage:
        """Return the whole page for what is asked."""

    def eyebrow(self, scope: TopicScope) -> str:
        return eyebrow(scope)

    def as_of(self, scope: TopicScope) -> str:
        return as_of(scope)

    def frame(self, scope: Scope) -> Frame:
        asked = cast(TopicScope, scope)
        back = Link(self.heading, asked.page_url())
        return Frame(self.eyebrow(asked), self.as_of(asked), back)

    def told(self, scope: Scope) -> Told:
        page = self.page(cast(TopicScope, scope))
        figures = [(one.name, one.value) for one in page.figures]
        return Told(page.title, page.as_of, figures)

    def paper(self, scope: Scope) -> Paper:
        page = self.page(cast(TopicScope, scope))
        frame = replace(self.frame(scope), eyebrow=page.eyebrow)
        return paper(scope, page.title, sheets(page.sections), frame)

    def workbook(self, scope: Scope) -> Sequence[Report]:
        return [report(scope) for report in self.reports if report.has_xlsx]


def section(report: Report, *, most: int = ROWS_SHOWN, is_full: bool = True) -> Section:
    """Return the report's card: its first rows, its drawing, and where the rest is.

    Where not all fit, one row sums what is left out: the card's total is the whole.
    """
    found = list(report.rows())
    # One more is shown rather than a line that hides just one.
    most = len(found) if len(found) <= most + 1 else most
    rows = found[:most]
    more = None
    if len(found) > most:
        count = report.scope.notation.count(len(found))
        href = report.scope.report_url(report.slug)
        more = Link(_("Show all %(count)s") % {"count": count}, href)
        rows.append(report.rest(rows))
    drawing = report.picture() if rows else None
    return Section(
        anchor=report.slug,
        title=report.heading,
        table=card_table(report, rows),
        downloads=downloads(report, is_drawn=drawing is not None),
        drawing=drawing,
        is_full=is_full,
        more=more,
        note=said_of(report),
        nothing=report.when_empty() if isinstance(report, TopicReport) else "",
    )
