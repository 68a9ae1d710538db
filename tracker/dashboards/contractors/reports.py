"""Tables of contractors: each yields the page's table, its CSV and its XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from engagements.choices import LIVE_STATUSES, RateUnit
from engagements.models import Assignment, Contractor, RateTerm
from engagements.permissions import engagement_scope
from engagements.services.tenure import TenureClock, tenure_clocks
from tracker.dashboards.charts.ranges import NARROW, WIDE, Range, ranges
from tracker.dashboards.charts.svg import Attributes, Svg, element
from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Row
from tracker.dashboards.reports.benchmark_rates import RatesAgainstBenchmark
from tracker.dashboards.spend_series import Drawing, KeyEntry
from tracker.dashboards.topics.report import TopicReport
from tracker.spend.benchmarking import Comparison, Published
from tracker.spend.contractor_hours import (
    ContractorHours,
    MonthHours,
    assignments_where,
    contractor_hours,
    month_hours,
)
from tracker.spend.uncounted import in_words

MONEY, PRICE, SHARE = ColumnKind.MONEY, ColumnKind.PRICE, ColumnKind.SHARE
COUNT, DAY = ColumnKind.COUNT, ColumnKind.DAY
# Hours have up to two decimals, as prices do.
HOURS = ColumnKind.PRICE
SEES_NAMES = "engagements.view_contractor"
NEAR = timedelta(days=180)
ROWS_DRAWN = 12
SWATCH: Attributes = {
    "class": "swatch",
    "width": 22,
    "viewBox": "0 0 22 14",
    "height": 14,
    "aria-hidden": "true",
}


def name_of(assignment: Assignment, *, sees_names: bool) -> str:
    """Return the person's name for whom it is, else what the work is called."""
    person = assignment.contractor if sees_names else None
    return person.full_name if person else assignment.reference


_REFERENCE, _PERSON, _ROLE, *_RATES = RatesAgainstBenchmark.columns


class ContractorRates(TopicReport, RatesAgainstBenchmark):
    """The finance pages' report, drawn; its rows open the contractor's page."""

    slug = "rates"
    also_reads: ClassVar[Sequence[str]] = ("contractors:read", "rates:read")
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    nothing = marked("No contractor at work has both a role and a rate.")
    columns: ClassVar[Sequence[Column]] = (
        replace(_PERSON, rank=1),
        replace(_REFERENCE, on_page=False),
        replace(_ROLE, rank=2),
        # The note above says of which year and source published rates are.
        *(replace(each, rank=2) if each.wraps else each for each in _RATES),
    )

    def listed(self) -> list[Row]:
        return [self._opening(one, published) for one, published in self.pairs]

    def _opening(self, one: Comparison, published: Published | None) -> Row:
        assignment = one.hourly.assignment
        _reference, _person, *rest = self._row(one, published).values
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        name = name_of(assignment, sees_names=sees_names)
        href = self.topic.page_url(engagement=str(assignment.public_id))
        return Row((name, assignment.reference, *rest), href)

    def when_empty(self) -> str:
        return in_words(self.compared.uncounted) or super().when_empty()

    def note(self) -> str:
        sets = {
            str(each.benchmark_set): each.benchmark_set
            for _one, each in self.pairs
            if each is not None
        }
        told = [
            _("%(name)s, prices of %(year)d (%(source)s; %(licence)s)")
            % {
                "name": of.name,
                "year": of.year,
                "source": of.source,
                "licence": of.licence,
            }
            for of in sets.values()
        ]
        said = RatesAgainstBenchmark.note(self)
        if not told:
            return said
        return f"{said} {_('Published: %(sets)s.') % {'sets': ', '.join(told)}}"

    def picture(self) -> Drawing | None:
        drawn = self._drawn()
        if not drawn:
            return None
        return Drawing(
            list(_key()), self._ranges(drawn, WIDE), self._ranges(drawn, NARROW)
        )

    def _drawn(self) -> list[tuple[Comparison, Published]]:
        """Return those furthest above the published middle first."""
        found = [(one, published) for one, published in self.pairs if published]
        found.sort(key=lambda pair: pair[1].p50 - pair[0].hourly.amount)
        return found[:ROWS_DRAWN]

    def _ranges(self, drawn: Sequence[tuple[Comparison, Published]], width: int) -> Svg:
        return ranges(
            [self._range(one, published) for one, published in drawn],
            summary=_("Hourly rates on the published middle half, as in the table"),
            width=width,
        )

    def _range(self, one: Comparison, published: Published) -> Range:
        notation, assignment = self.scope.notation, one.hourly.assignment
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        name = f"{name_of(assignment, sees_names=sees_names)} · {assignment.role}"
        of = published.benchmark_set
        return Range(
            name=name,
            text=_(
                "%(name)s: %(rate)s an hour; published %(low)s to %(high)s, prices of"
                " %(year)d (%(set)s)"
            )
            % {
                "name": name,
                "rate": notation.money(one.hourly.amount),
                "low": notation.money(published.p25),
                "high": notation.money(published.p75),
                "year": of.year,
                "set": of.name,
            },
            value_text=notation.money(one.hourly.amount),
            value=one.hourly.amount,
            low=published.p25,
            middle=published.p50,
            high=published.p75,
            href=self.topic.page_url(engagement=str(assignment.public_id)),
        )


def _key() -> Iterator[KeyEntry]:
    dot: Attributes = {"cx": 11, "cy": 7, "r": 5}
    band: Attributes = {
        "x": 0,
        "y": 2,
        "width": 22,
        "height": 10,
        "class": "range-band",
    }
    middle: Attributes = {
        "x1": 11,
        "x2": 11,
        "y1": 0,
        "y2": 14,
        "class": "range-middle",
    }
    for mark, title in (
        (element("circle", {**dot, "class": "range-dot"}), _("Our rate")),
        (
            element("circle", {**dot, "class": "range-dot is-above"}),
            _("Our rate, above the middle half"),
        ),
        (element("rect", band), _("Published middle half")),
        (element("line", middle), _("Published median")),
    ):
        yield KeyEntry(element("svg", SWATCH, mark), title)


@dataclass(frozen=True)
class Ticking:
    """One clock of a contractor, with the engagement that it runs by now."""

    assignment: Assignment
    person: Contractor
    one: TenureClock

    def days_left(self, today: date) -> int:
        return (self.one.clock.limit_on - today).days


class TenureClocks(TopicReport):
    """How long each contractor at work may still go on, the nearest limit first."""

    slug = "tenure"
    title = marked("Tenure")
    noun = marked("clocks")
    also_reads: ClassVar[Sequence[str]] = ("contractors:read",)
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    says = marked(
        "Every engagement of the person counts, whoever supplies them. Near are limits"
        " within 180 days; where a policy blocks, work beyond it is refused."
    )
    nothing = marked("No tenure policy applies to a contractor at work.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Contractor")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Role"), rank=3),
        Column(marked("Vendor"), rank=3),
        Column(marked("Policy"), rank=2),
        Column(marked("Source"), on_page=False),
        Column(marked("Months served"), COUNT, rank=2),
        Column(marked("Months allowed"), COUNT, rank=2),
        Column(marked("Limit"), DAY),
        Column(marked("Days left"), COUNT),
        Column(marked("Standing")),
        Column(marked("At the limit"), rank=3),
    )

    @cached_property
    def today(self) -> date:
        return timezone.localdate()

    @cached_property
    def ticking(self) -> list[Ticking]:
        rows = assignments_where(self.scope.user, self.scope.where).filter(
            status__in=LIVE_STATUSES, contractor__isnull=False
        )
        # Of several of one person, the one that began last stands for them.
        by_person = {
            one.contractor: one
            for one in rows.select_related("contractor", "vendor").order_by("starts_on")
            if one.contractor
        }
        clocks = tenure_clocks(contractors=list(by_person), today=self.today)
        found = [
            Ticking(by_person[person], person, one)
            for person in by_person
            for one in clocks.get(person.pk, [])
        ]
        return sorted(found, key=lambda each: (each.one.clock.limit_on, each.person.pk))

    @property
    def near(self) -> list[Ticking]:
        return [
            each for each in self.ticking if each.days_left(self.today) <= NEAR.days
        ]

    def listed(self) -> list[Row]:
        return [self._row(each) for each in self.ticking]

    def _row(self, each: Ticking) -> Row:
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        policy, clock = each.one.policy, each.one.clock
        values = (
            name_of(each.assignment, sees_names=sees_names),
            each.assignment.reference,
            each.one.role or each.assignment.role,
            str(each.assignment.vendor),
            policy.name,
            policy.source,
            clock.served.months,
            policy.maximum_months,
            clock.limit_on,
            each.days_left(self.today),
            self._standing(each),
            str(policy.get_action_display()),
        )
        href = self.topic.page_url(engagement=str(each.assignment.public_id))
        return Row(values, href)

    def _standing(self, each: Ticking) -> str:
        if each.one.clock.is_reached:
            return _("reached")
        return _("near") if each.days_left(self.today) <= NEAR.days else _("far")


class ContractorTime(TopicReport):
    """Hours and spend of each contractor; opens the contractor's page."""

    slug = "hours"
    title = marked("Hours")
    noun = marked("contractors")
    also_reads: ClassVar[Sequence[str]] = ("contractors:read", "timesheets:read")
    says = marked(
        "Agreed are hours approved, or logged without a timesheet. Sheets not started"
        " are those of the last 12 weeks, whatever months are chosen."
    )
    nothing = marked("No contractor is at work, and none worked in these months.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Contractor")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Role"), rank=2),
        Column(marked("Vendor"), rank=3),
        Column(marked("Hours agreed"), HOURS, is_summed=True),
        Column(marked("Waiting"), HOURS, is_summed=True, rank=3),
        Column(marked("Overtime"), HOURS, is_summed=True, rank=3),
        Column(marked("Out of hours"), HOURS, is_summed=True, rank=3),
        Column(marked("Sheets not started"), COUNT, is_summed=True, rank=2),
        Column(marked("Spend"), MONEY, is_summed=True),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def people(self) -> list[ContractorHours]:
        today = timezone.localdate()
        return contractor_hours(self.scope.user, self.scope.where, today=today)

    def listed(self) -> list[Row]:
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        return [
            Row(
                (
                    name_of(one.assignment, sees_names=sees_names),
                    one.assignment.reference,
                    one.assignment.role,
                    str(one.assignment.vendor),
                    one.hours.agreed,
                    one.hours.waiting,
                    one.hours.overtime,
                    one.hours.out_of_hours,
                    one.missing,
                    one.spent,
                    self.scope.notation.currency,
                ),
                self.topic.page_url(engagement=str(one.assignment.public_id)),
            )
            for one in self.people
        ]


class HoursByMonth(TopicReport):
    slug = "hours-by-month"
    title = marked("Hours by month")
    noun = marked("months")
    also_reads: ClassVar[Sequence[str]] = ("timesheets:read",)
    says = marked("Hours by the month worked, spend by the month it is booked in.")
    nothing = marked("No hours were recorded in these months.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Month"), ColumnKind.MONTH),
        Column(marked("Hours agreed"), HOURS, is_summed=True),
        Column(marked("Waiting"), HOURS, is_summed=True, rank=2),
        Column(marked("Overtime"), HOURS, is_summed=True, rank=3),
        Column(marked("Out of hours"), HOURS, is_summed=True, rank=3),
        Column(marked("Spend"), MONEY, is_summed=True),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def months(self) -> list[MonthHours]:
        return month_hours(self.scope.user, self.scope.where)

    def listed(self) -> list[Row]:
        return [
            Row(
                (
                    one.month,
                    one.hours.agreed,
                    one.hours.waiting,
                    one.hours.overtime,
                    one.hours.out_of_hours,
                    one.spent,
                    self.scope.notation.currency,
                ),
                self._opens(one),
            )
            for one in self.months
        ]

    def _opens(self, one: MonthHours) -> str:
        asked = f"{one.month:%Y-%m}"
        return self.scope.report_url(
            "ledger-entries",
            period="",
            model="augmented",
            **{"from": asked, "to": asked},
        )


class RatesOverTime(TopicReport):
    """Every rate of the contractors with the day it runs from, the newest first."""

    slug = "rates-over-time"
    title = marked("Rates over time")
    noun = marked("rates")
    also_reads: ClassVar[Sequence[str]] = ("rates:read",)
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    nothing = marked("No rate is recorded. It stands on the engagement's page.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Contractor")),
        Column(marked("Reference"), on_page=False),
        Column(marked("From"), DAY),
        Column(marked("Rate"), PRICE),
        Column(marked("Per")),
        Column(marked("Currency"), rank=2),
        Column(marked("Per hour"), PRICE, rank=2),
        Column(marked("Change"), SHARE),
    )

    def listed(self) -> list[Row]:
        sees_names = self.scope.user.has_perm(SEES_NAMES)
        of = assignments_where(self.scope.user, self.scope.where).filter(
            engagement_scope(self.scope.user, with_money=True)
        )
        terms = RateTerm.objects.filter(assignment__in=of.order_by().values("pk"))
        rows: list[tuple[date, Row]] = []
        before: dict[int, Decimal] = {}
        for term in terms.select_related("assignment__contractor").order_by(
            "assignment", "starts_on"
        ):
            one, earlier = term.assignment, before.get(term.assignment_id)
            before[term.assignment_id] = term.hourly_rate
            values = (
                name_of(one, sees_names=sees_names),
                one.reference,
                term.starts_on,
                term.rate,
                str(RateUnit(term.unit).label),
                one.currency,
                term.hourly_rate.quantize(Decimal("0.01")),
                term.hourly_rate / earlier - 1 if earlier else None,
            )
            href = self.topic.page_url(engagement=str(one.public_id))
            rows.append((term.starts_on, Row(values, href)))
        rows.sort(key=lambda pair: pair[0], reverse=True)
        return [row for _day, row in rows]
