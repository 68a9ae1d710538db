"""A manager's page: what they answer for, what waits for them, and until when."""

from collections.abc import Sequence
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from engagements.models import User
from tracker.dashboards.own.reports import (
    ALL,
    WHOSE,
    OwnApprovals,
    OwnDeadlines,
    OwnEngagements,
    OwnFlags,
    OwnLevels,
    OwnPeople,
    OwnTimesheets,
)
from tracker.dashboards.pages import Figure, Link, Section
from tracker.dashboards.report import Report
from tracker.dashboards.topics.page import Topic, TopicPage, section
from tracker.dashboards.topics.scope import Choice, TopicScope

SOON_DAYS = 30


class Own(Topic):
    name = "my"
    title = marked("My page")
    has_period = False
    takes: ClassVar[Sequence[str]] = ("department", "sort")
    more: ClassVar[Sequence[Choice]] = (
        Choice(WHOSE, marked("Whose"), {ALL: marked("All that I may see")}),
    )
    reports: ClassVar[Sequence[type[Report]]] = (
        OwnApprovals,
        OwnTimesheets,
        OwnDeadlines,
        OwnFlags,
        OwnLevels,
        OwnPeople,
        OwnEngagements,
    )

    def may_open(self, user: User) -> bool:
        return user.has_perm("engagements.view_engagement")

    def page(self, scope: TopicScope) -> TopicPage:
        return _Builder(self, scope).page()

    def eyebrow(self, scope: TopicScope) -> str:
        whose = _("All that you may see")
        if scope.parameters.get(WHOSE) != ALL:
            whose = _("What you manage")
        return f"{whose} · {scope.department}" if scope.department else whose

    def as_of(self, scope: TopicScope) -> str:
        today = scope.notation.day(timezone.localdate())
        return _("As of today, %(day)s") % {"day": today}


class _Builder:
    def __init__(self, topic: Own, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.engagements, self.deadlines = OwnEngagements(scope), OwnDeadlines(scope)
        self.approvals, self.sheets = OwnApprovals(scope), OwnTimesheets(scope)
        self.people, self.levels = OwnPeople(scope), OwnLevels(scope)
        self.flags = OwnFlags(scope)

    def page(self) -> TopicPage:
        scope = self.scope
        is_empty = not any(
            report.found
            for report in (
                self.engagements,
                self.deadlines,
                self.approvals,
                self.sheets,
                self.people,
            )
        )
        return TopicPage(
            eyebrow=self.topic.eyebrow(scope),
            title=self._title(),
            as_of=self.topic.as_of(scope),
            figures=[] if is_empty else self._figures(),
            sections=[] if is_empty else self._sections(),
            more=[self._other()],
            advice=_advice() if is_empty else (),
        )

    def _sections(self) -> list[Section]:
        """Return what waits first; the halves stand side by side where both are."""
        return [
            section(self.approvals, is_full=False),
            section(self.sheets, is_full=False),
            section(self.deadlines),
            section(self.flags),
            section(self.levels),
            section(self.people),
            section(self.engagements),
        ]

    def _other(self) -> Link:
        if self.engagements.is_of_all:
            return Link(_("Show what I manage"), self.scope.page_url(**{WHOSE: ""}))
        return Link(_("Show all that I may see"), self.scope.page_url(**{WHOSE: ALL}))

    def _title(self) -> str:
        """Say what waits for the reader, or what comes next."""
        count = self.scope.notation.count
        waiting = len(self.approvals.found) + len(self.sheets.found)
        waiting += self._flags_to_decide()
        if waiting:
            return ngettext(
                "%(n)s decision waits for you", "%(n)s decisions wait for you", waiting
            ) % {"n": count(waiting)}
        coming = [
            one for one in self.deadlines.ahead if one.day >= self.deadlines.today
        ]
        if coming:
            day = self.scope.notation.day(coming[0].day)
            return _("Nothing waits for you; the next deadline is on %(day)s") % {
                "day": day
            }
        return _("Nothing waits for you")

    def _flags_to_decide(self) -> int:
        return sum(1 for one in self.flags.flags if one.is_undecided)

    def _missing_url(self) -> str:
        """Return where sheets are begun, or whose they are for who only reads."""
        page = self.people.admin_url(
            "tracker.add_timesheet", "tracker_timesheet_missing"
        )
        return page or self.scope.report_url("my-people")

    def _figures(self) -> list[Figure]:
        count, scope = self.scope.notation.count, self.scope
        soon = [
            one
            for one in self.deadlines.ahead
            if (one.day - self.deadlines.today).days <= SOON_DAYS
        ]
        missing = sum(one.missing for one in self.people.people)
        return [
            Figure(
                _("To approve"),
                count(len(self.approvals.found) + len(self.sheets.found)),
                _("engagements and timesheets"),
                scope.report_url("my-approvals"),
            ),
            Figure(
                _("Deadlines in 30 days"),
                count(len(soon)),
                _("with what is overdue"),
                scope.report_url("my-deadlines"),
            ),
            Figure(
                _("Flags to decide"),
                count(self._flags_to_decide()),
                _("another model may fit better"),
                scope.report_url("my-flags"),
            ),
            Figure(
                _("Service levels at risk"),
                count(len(self.levels.found)),
                _("in the running windows"),
                scope.report_url("my-service-levels"),
            ),
            Figure(
                _("Sheets not started"),
                count(missing),
                _("of the last 12 weeks"),
                self._missing_url(),
            ),
        ]


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Log an engagement."),
            _("Those that you manage stand here, with deadlines, hours and flags."),
        ),
        (
            _("Or look wider."),
            _("“Show all that I may see” shows your departments' engagements too."),
        ),
    ]
