"""Whose figures, which part of them, and how a link asks for another part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from urllib.parse import urlencode

from django.urls import reverse

from engagements.models import User
from engagements.values.periods import add_months
from tracker.dashboards.notation import Notation
from tracker.dashboards.periods import Period
from tracker.spend.queries import SpendOverview, SpendWhere, spend_overview

FINANCE_PAGE = "tracker:finance"
REPORT_PAGE = "tracker:report"
REPORT_FILE = "tracker:report-file"
REPORTS_PAGE = "tracker:reports"
PREVIOUS, LAST_YEAR, BUDGET, PLAN = "previous", "last-year", "budget", "plan"
COMPARISONS = (PREVIOUS, LAST_YEAR, BUDGET, PLAN)
NOT_CARRIED = ("sort",)
OVERVIEW_PAPER = "tracker:finance-paper"
REPORT_CARD = "tracker:report-card"


@dataclass(frozen=True)
class DepartmentChoice:
    """A department that the reader may ask for; `subtree` is it and all below it."""

    id: int
    code: str
    name: str
    depth: int
    subtree: frozenset[int]

    @property
    def indent(self) -> str:
        return "\N{EM SPACE}" * self.depth


@cache
def _path(name: str, *arguments: str) -> str:
    """Return a page's path; asked for once a row and figure, hence remembered."""
    return reverse(name, args=arguments)


@dataclass(frozen=True)
class Drill:
    """One filter reached by opening a mark or a row: shown as removable."""

    parameter: str
    noun: str
    name: str


@dataclass(frozen=True)
class Scope:
    """What one request asks for; `parameters` are its filters as the URL has them.

    `base` is the period to compare with, and `by` what a report is divided by.
    """

    user: User
    where: SpendWhere
    period: Period
    notation: Notation
    parameters: Mapping[str, str] = field(default_factory=dict)
    department: str = ""
    drills: tuple[Drill, ...] = ()
    base: Period | None = None
    by: str = ""
    departments: tuple[DepartmentChoice, ...] = ()
    # A column as the address names it, after a minus sign the largest first.
    sort: str = ""
    # What the figures are held against, of `COMPARISONS`.
    compare: str = ""

    @cached_property
    def overview(self) -> SpendOverview:
        """The figures of all reports at once, with the month before the period."""
        first = self.period.first
        since = add_months(first, -1) if first else None
        return spend_overview(self.user, self.where, since=since)

    def finance_url(self, **changes: str) -> str:
        """Return the finance page for these filters with changes; "" drops one."""
        return _path(FINANCE_PAGE) + self._query(changes)

    def index_url(self) -> str:
        return _path(REPORTS_PAGE) + self._query({})

    def report_url(self, slug: str, **changes: str) -> str:
        return _path(REPORT_PAGE, slug) + self._query(changes)

    def file_url(self, slug: str, extension: str) -> str:
        return reverse(REPORT_FILE, args=[slug, extension]) + self._query(
            {"sort": self.sort}
        )

    def paper_url(self) -> str:
        """Return the overview as PDF."""
        return reverse(OVERVIEW_PAPER) + self._query({})

    def card_url(self, slug: str) -> str:
        return reverse(REPORT_CARD, args=[slug]) + self._query({})

    @cached_property
    def _kept(self) -> Mapping[str, str]:
        # Another page has other columns: what is sorted stays with its own links.
        return {
            name: value
            for name, value in self.parameters.items()
            if value and name not in NOT_CARRIED
        }

    @cached_property
    def _kept_query(self) -> str:
        return urlencode(self._kept)

    def _query(self, changes: Mapping[str, str]) -> str:
        kept = self._kept
        if any(name in kept for name in changes):
            merged = {**kept, **changes}
            query = urlencode({name: value for name, value in merged.items() if value})
        else:
            # Most links add one parameter to the same others.
            added = urlencode({name: value for name, value in changes.items() if value})
            query = "&".join(part for part in (self._kept_query, added) if part)
        return f"?{query}" if query else ""
