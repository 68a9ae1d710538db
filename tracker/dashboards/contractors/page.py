"""The page of all contractors, and the one of a single engagement of one."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from tracker.dashboards.charts.svg import shortened
from tracker.dashboards.contractors.reports import (
    ContractorRates,
    ContractorTime,
    HoursByMonth,
    RatesOverTime,
    TenureClocks,
    name_of,
)
from tracker.dashboards.pages import NAME_IN_TITLE, Figure, Link
from tracker.dashboards.report import Report
from tracker.dashboards.topics.page import Topic, TopicPage, section
from tracker.dashboards.topics.scope import TopicScope

DASH = "\N{EN DASH}"
SEES_NAMES = "engagements.view_contractor"


class Contractors(Topic):
    name = "contractors"
    title = marked("Contractors")
    reports: ClassVar[Sequence[type[Report]]] = (
        ContractorRates,
        TenureClocks,
        ContractorTime,
        HoursByMonth,
        RatesOverTime,
    )

    def page(self, scope: TopicScope) -> TopicPage:
        return _Builder(self, scope).page()


class _Builder:
    def __init__(self, topic: Contractors, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.rates, self.tenure = ContractorRates(scope), TenureClocks(scope)
        self.time, self.months = ContractorTime(scope), HoursByMonth(scope)
        self.is_one = scope.where.engagement_id is not None

    def page(self) -> TopicPage:
        scope = self.scope
        is_empty = not self.time.people
        sections = [
            section(self.rates),
            section(self.tenure),
            section(self.time),
            section(self.months, is_full=False),
            section(RatesOverTime(scope), is_full=False),
        ]
        if self.is_one:
            del sections[2]
        return TopicPage(
            eyebrow=self.topic.eyebrow(scope),
            title=self._title(),
            as_of=self.topic.as_of(scope),
            figures=[] if is_empty else self._figures(),
            sections=[] if is_empty else sections,
            back=Link(_("Contractors"), scope.page_url(engagement=""))
            if self.is_one
            else None,
            advice=_advice() if is_empty else (),
        )

    def _title(self) -> str:
        if not self.time.people:
            return _("No contractor is at work")
        if self.is_one:
            return self._one()
        compared = self._compared()
        above = self._above()
        count = self.scope.notation.count
        if not compared:
            return ngettext(
                "%(n)s contractor, and no rate is compared with a published one",
                "%(n)s contractors, and no rate is compared with a published one",
                len(self.time.people),
            ) % {"n": count(len(self.time.people))}
        if not above:
            return _("No contractor costs more than the published middle half")
        return ngettext(
            "%(n)s of %(all)s contractors compared costs more than the published"
            " middle half",
            "%(n)s of %(all)s contractors compared cost more than the published"
            " middle half",
            len(above),
        ) % {"n": count(len(above)), "all": count(len(compared))}

    def _compared(self) -> set[int]:
        return {one.hourly.assignment.pk for one, told in self.rates.pairs if told}

    def _above(self) -> set[int]:
        """Return those above the middle half of any set that they are compared with."""
        return {
            one.hourly.assignment.pk
            for one, told in self.rates.pairs
            if told and one.hourly.amount > told.p75
        }

    def _one(self) -> str:
        assignment = self.time.people[0].assignment
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        name = shortened(name_of(assignment, sees_names=sees_names), NAME_IN_TITLE)
        if not self.rates.pairs:
            return _("%(name)s has no rate to compare") % {"name": name}
        one, published = self.rates.pairs[0]
        words = {"name": name, "rate": self.scope.notation.money(one.hourly.amount)}
        if published is None:
            return _("%(name)s costs %(rate)s an hour") % words
        position = {
            "above": _("%(name)s costs %(rate)s an hour, above what is published"),
            "below": _("%(name)s costs %(rate)s an hour, below what is published"),
            "within": _("%(name)s costs %(rate)s an hour, within what is published"),
        }
        return position[_side(one.hourly.amount, published.p25, published.p75)] % words

    def _figures(self) -> list[Figure]:
        notation, scope = self.scope.notation, self.scope
        people, above, compared = self.time.people, self._above(), self._compared()
        hours = sum((one.hours.agreed for one in people), Decimal(0))
        missing = sum(one.missing for one in people)
        spent = sum((one.spent for one in people), Decimal(0))
        return [
            Figure(
                _("Spend in the period"),
                notation.money(spent),
                _("on contractors"),
                scope.report_url("ledger-entries", model="augmented"),
            ),
            Figure(
                _("Hours agreed"),
                notation.count(round(hours)),
                _("approved, or logged without a sheet"),
                scope.report_url("hours-by-month"),
            ),
            Figure(
                _("Above the middle half"),
                notation.count(len(above)) if compared else DASH,
                _("of %(n)s compared with published rates")
                % {"n": notation.count(len(compared))},
                scope.report_url("rates"),
            ),
            Figure(
                _("Near a tenure limit"),
                notation.count(len({each.person.pk for each in self.tenure.near})),
                _("within 180 days, or reached"),
                scope.report_url("tenure"),
            ),
            Figure(
                _("Sheets not started"),
                notation.count(missing),
                _("of the last 12 weeks"),
                scope.report_url("hours"),
            ),
        ]


def _side(amount: Decimal, low: Decimal, high: Decimal) -> str:
    if amount > high:
        return "above"
    return "below" if amount < low else "within"


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Log a contractor."),
            _("A named person with a rate; role, level and place make it comparable."),
        ),
        (
            _("Choose benchmarks."),
            _(
                "Published sets of rates are imported, and each role names the one that"
                " it is compared with."
            ),
        ),
        (
            _("Record the hours."),
            _("By timesheet, or from the file of a time tracker."),
        ),
    ]
