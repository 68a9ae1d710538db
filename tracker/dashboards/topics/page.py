"""What a topic is, and what its pages show before any template is touched."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

from django.utils.translation import gettext as _

from engagements.models import User
from engagements.permissions import sees_money
from engagements.values.language import translated
from tracker.dashboards.filters import Asking
from tracker.dashboards.pages import (
    Figure,
    Link,
    ReportPage,
    Section,
    as_of,
    downloads,
    eyebrow,
)
from tracker.dashboards.report import Report, Row
from tracker.dashboards.tables import Table, table
from tracker.dashboards.topics.order import ORDER, Order, order_offered
from tracker.dashboards.topics.report import TopicReport
from tracker.dashboards.topics.scope import Choice, TopicScope, asking

ROWS_SHOWN = 15


@dataclass(frozen=True)
class TopicSection(Section):
    """One card; `nothing` is said in it where the table has no rows."""

    nothing: str = ""


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


class Topic(ABC):
    """One page with the reports on it; each topic is a package of its own."""

    name: ClassVar[str]
    # Marked for translation where it is written.
    title: ClassVar[str]
    reports: ClassVar[Sequence[type[Report]]]
    # Without a period its page tells of today.
    has_period: ClassVar[bool] = True
    # Filters that no other page has.
    more: ClassVar[Sequence[Choice]] = ()

    @cached_property
    def by_slug(self) -> dict[str, type[Report]]:
        return {report.slug: report for report in self.reports}

    @cached_property
    def asking(self) -> Asking:
        return asking(self.name, frozenset(self.by_slug), self.more)

    def may_open(self, user: User) -> bool:
        return sees_money(user)

    @abstractmethod
    def page(self, scope: TopicScope) -> TopicPage:
        """Return the whole page for what is asked."""

    def eyebrow(self, scope: TopicScope) -> str:
        return eyebrow(scope)

    def as_of(self, scope: TopicScope) -> str:
        return as_of(scope)

    def report_page(self, report: Report, after: str) -> ReportPage:
        """Return one page of the report's table; raises BadPageError."""
        scope = cast(TopicScope, report.scope)
        page = report.page(after)
        count, known = scope.notation.count, report.row_count()
        shown = len(page.rows)
        part = _("%(shown)s of ") % {"shown": count(shown)} if shown < known else ""
        following = None
        if page.after:
            address = scope.report_url(report.slug, after=page.after)
            following = Link(_("Next page"), address)
        first = Link(_("First page"), scope.report_url(report.slug)) if after else None
        return ReportPage(
            eyebrow=self.eyebrow(scope),
            title=report.title,
            as_of=self.as_of(scope),
            summary=f"{part}{count(known)} {report.noun}",
            table=drawn_table(report, page.all_rows, is_alone=True),
            downloads=downloads(report),
            back=Link(translated(self.title), scope.page_url()),
            note=report.note(),
            drawing=report.picture(),
            first=first,
            following=following,
        )


def drawn_table(
    report: Report, rows: Sequence[Row], *, is_alone: bool = False
) -> Table:
    """Return the table; its heads sort it where it stands, alone or among others."""
    # A region of its own, so it can't be called what its card is called.
    caption = _("%(title)s, as a table") % {"title": report.title}
    drawn = table(report.columns, rows, caption=caption, notation=report.scope.notation)
    if not isinstance(report, TopicReport):
        return drawn
    shown = [place for place, each in enumerate(report.columns) if each.on_page]
    heads = [
        replace(
            head,
            href=_sorted_url(report, place, is_alone=is_alone),
            sorted_as=_direction(report.order, place),
        )
        for head, place in zip(drawn.heads, shown, strict=True)
    ]
    return replace(drawn, heads=heads)


def _sorted_url(report: TopicReport, place: int, *, is_alone: bool) -> str:
    order = order_offered(report.columns[place], place, report.order)
    asked = {ORDER: order.written(report.slug)}
    if is_alone:
        return report.topic.report_url(report.slug, **asked)
    return f"{report.topic.page_url(**asked)}#{report.slug}"


def _direction(order: Order | None, place: int) -> str:
    if order is None or order.place != place:
        return ""
    return "descending" if order.falls else "ascending"


def section(
    report: Report, *, most: int = ROWS_SHOWN, is_full: bool = True
) -> TopicSection:
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
    return TopicSection(
        anchor=report.slug,
        title=report.title,
        table=drawn_table(report, rows),
        downloads=downloads(report),
        drawing=report.picture() if rows else None,
        is_full=is_full,
        more=more,
        note=report.note(),
        nothing=report.when_empty() if isinstance(report, TopicReport) else "",
    )
