"""A part of the product's pages: whose they are, what they may be asked, their files.

Each part has one page of its own and reports; both are printed, saved and mailed alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.urls import reverse

from engagements.models import User
from engagements.permissions import sees_money
from engagements.values.language import translated
from tracker.dashboards.filters import Asking
from tracker.dashboards.pages import Frame
from tracker.dashboards.paper.pages import Paper
from tracker.dashboards.report import Report
from tracker.dashboards.scope import Scope


@dataclass(frozen=True)
class Told:
    """What a mail says of a page before its file is opened."""

    headline: str
    as_of: str
    figures: Sequence[tuple[str, str]]


class Part(ABC):
    """`name` stands in the names of its addresses."""

    name: ClassVar[str]
    # Marked for translation where it is written.
    title: ClassVar[str]
    # Without a period its pages tell of today.
    has_period: ClassVar[bool] = True
    no_access: ClassVar[str] = "tracker/no_access.html"

    @property
    @abstractmethod
    def by_slug(self) -> Mapping[str, type[Report]]:
        """The reports of the part, by slug."""

    @property
    @abstractmethod
    def asking(self) -> Asking:
        """What the part's addresses may ask for."""

    @abstractmethod
    def frame(self, scope: Scope) -> Frame:
        """Return what stands around each of its reports."""

    @abstractmethod
    def told(self, scope: Scope) -> Told:
        """Return what its page says, in a few figures."""

    @abstractmethod
    def paper(self, scope: Scope) -> Paper:
        """Return its page as it is printed."""

    @abstractmethod
    def workbook(self, scope: Scope) -> Sequence[Report]:
        """Return the reports whose rows its page shows, a sheet for each."""

    @property
    def key(self) -> str:
        """What its page is kept by where it is saved."""
        # No report has a slug with a low line.
        return f"{self.name}_page"

    @property
    def file_stem(self) -> str:
        """What files of its page are called."""
        return self.name

    def may_open(self, user: User) -> bool:
        return sees_money(user)

    def path(self, slug: str = "") -> str:
        """Return the path of its page, or of one of its reports."""
        if slug:
            return reverse(f"tracker:{self.report_page}", args=[slug])
        return reverse(f"tracker:{self.name}")

    @property
    def report_page(self) -> str:
        return f"{self.name}-report"

    @property
    def heading(self) -> str:
        """The title in the reader's language."""
        return translated(self.title)

    @property
    def page_heading(self) -> str:
        """What its page is called among those that are saved."""
        return self.heading
