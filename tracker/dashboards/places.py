"""Every page there is: each part's own and each report's, by what saved pages keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext as _

from engagements.models import User
from engagements.values.language import translated
from tracker.dashboards.overview import FINANCE
from tracker.dashboards.pages import report_paper
from tracker.dashboards.paper.pages import Paper
from tracker.dashboards.part import Part, Told
from tracker.dashboards.report import Report
from tracker.dashboards.scope import Scope
from tracker.dashboards.tables import written
from tracker.dashboards.topics.known import TOPICS

PARTS: Sequence[Part] = (FINANCE, *TOPICS)


@dataclass(frozen=True)
class Place:
    """One page: of a report, or without one the part's own."""

    part: Part
    report: type[Report] | None = None

    @property
    def title(self) -> str:
        if self.report is None:
            return self.part.page_heading
        return translated(self.report.title)

    @property
    def path(self) -> str:
        return self.part.path(self.report.slug if self.report else "")

    @property
    def has_xlsx(self) -> bool:
        return self.report is None or self.report.has_xlsx

    def may_open(self, user: User) -> bool:
        return self.part.may_open(user)

    def told(self, scope: Scope) -> Told:
        """Return what the page says, before its file is opened."""
        if self.report is None:
            return self.part.told(scope)
        report = self.report(scope)
        totals = [
            (column.heading, written(total, column.kind, scope.notation))
            for column, total in zip(report.columns, report.totals(), strict=True)
            if column.is_summed and column.on_page and total is not None
        ]
        things = translated(report.noun)
        count = f"{scope.notation.count(report.row_count())} {things}"
        main = dict(totals).get(_("Total")) or (totals[-1][1] if totals else count)
        return Told(
            _("%(title)s, %(figure)s") % {"title": report.heading, "figure": main},
            self.part.frame(scope).as_of,
            [(_("Rows"), count), *totals],
        )

    def paper(self, scope: Scope) -> Paper:
        if self.report is None:
            return self.part.paper(scope)
        return report_paper(self.report(scope), self.part.frame(scope))

    def workbook(self, scope: Scope) -> Sequence[Report]:
        if self.report is None:
            return self.part.workbook(scope)
        return [self.report(scope)]


@cache
def report_places() -> Mapping[str, Place]:
    """Return where each report stands, by its slug; raises ValueError for a second.

    A report of spend may be shown in a topic too; its own page is the finance one.
    """
    found: dict[str, Place] = {}
    for part in PARTS:
        for slug, report in part.by_slug.items():
            known = found.setdefault(slug, Place(part, report))
            if known.report is not report:
                raise ValueError(f"Two reports are called {slug!r}.")
    return found


def place_of(key: str) -> Place | None:
    """Return the page that was saved under the key; None where there is none now."""
    own = next((Place(part) for part in PARTS if part.key == key), None)
    if own is not None:
        return own
    place = report_places().get(key)
    return place if place and place.report and place.report.has_page else None
