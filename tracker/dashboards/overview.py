"""The finance pages as a part: the overview at `/` and every report of spend."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from engagements.values.language import gettext_noop, translated
from tracker.dashboards.filters import SPEND, Asking
from tracker.dashboards.pages import (
    EmptyPage,
    Frame,
    as_of,
    finance_frame,
    finance_page,
    finance_paper,
)
from tracker.dashboards.paper.pages import Paper
from tracker.dashboards.part import Part, Told
from tracker.dashboards.report import Report, all_reports
from tracker.dashboards.reports.months import SpendByMonth
from tracker.dashboards.scope import Scope


class Finance(Part):
    name: ClassVar[str] = "finance"
    title: ClassVar[str] = gettext_noop("Finance")

    @property
    def key(self) -> str:
        return ""

    @property
    def file_stem(self) -> str:
        return "overview"

    @property
    def by_slug(self) -> Mapping[str, type[Report]]:
        return all_reports()

    @property
    def asking(self) -> Asking:
        return SPEND

    @property
    def report_page(self) -> str:
        return "report"

    @property
    def page_heading(self) -> str:
        return translated(gettext_noop("Finance overview"))

    def frame(self, scope: Scope) -> Frame:
        return finance_frame(scope)

    def told(self, scope: Scope) -> Told:
        page = finance_page(scope)
        if isinstance(page, EmptyPage):
            return Told(page.title, as_of(scope), [])
        figures = [(one.name, one.value) for one in page.figures]
        return Told(page.title, page.as_of, figures)

    def paper(self, scope: Scope) -> Paper:
        return finance_paper(scope)

    def workbook(self, scope: Scope) -> Sequence[Report]:
        return [SpendByMonth(scope)]


FINANCE = Finance()
