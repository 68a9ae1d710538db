"""Tables of what is not recorded: each yields the page's table, its CSV and XLSX."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from engagements.choices import Kind
from engagements.values.language import translated
from tracker.dashboards.charts.ranking import NARROW, WIDE, Bar, ranked_bars
from tracker.dashboards.charts.series import Segment, Series
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Row, share
from tracker.dashboards.spend_series import Drawing
from tracker.dashboards.topics.report import TopicReport
from tracker.fit import data_gaps
from tracker.fit.data_gaps import BY_CODE, FACTS, Fact, Loose, Recorded, Undecided

MONEY, SHARE, COUNT = ColumnKind.MONEY, ColumnKind.SHARE, ColumnKind.COUNT
CHART_ID = "gaps"
RESTS = Series("rests", "Spend that rests on it", "managed")
NOTHING = Decimal(0)
FACT = "fact"
PAGES = {Kind.MANAGED.value: "managedcontract", Kind.AUGMENTED.value: "assignment"}


class GapReport(TopicReport):
    """What is read once for all tables of a page."""

    slug = ""

    @cached_property
    def recorded(self) -> list[Recorded]:
        today = timezone.localdate()
        return data_gaps.recorded(self.scope.user, self.scope.where, today=today)

    @property
    def fact(self) -> str:
        """The fact that the page is narrowed to, "" where all are meant."""
        return self.scope.parameters.get(FACT, "")

    @property
    def facts(self) -> Sequence[Fact]:
        return [BY_CODE[self.fact]] if self.fact else FACTS

    def gaps(self, one: Recorded) -> list[Fact]:
        return [fact for fact in self.facts if fact.code in one.gaps]

    @cached_property
    def incomplete(self) -> list[Recorded]:
        return [one for one in self.recorded if self.gaps(one)]

    def form_url(self, one: Recorded, fact: Fact) -> str:
        """Return the form that fills the fact in; "" for who has no way there."""
        if not self.scope.user.is_staff:
            return ""
        places = {
            data_gaps.TIMESHEET: ("tracker.add_timesheet", "tracker_timesheet_add"),
            data_gaps.MEASUREMENT: (
                "tracker.add_measurement",
                "tracker_measurement_add",
            ),
            data_gaps.BUDGET: ("tracker.add_budget", "tracker_budget_grid"),
            data_gaps.BENCHMARK: (
                "tracker.add_rolebenchmark",
                "tracker_rolebenchmark_choose",
            ),
        }
        permission, name = places.get(fact.form, ("", ""))
        if not (permission and self.scope.user.has_perm(permission)):
            return self.agreement_url(one)
        href = reverse(f"admin:{name}")
        is_of_one = fact.form == data_gaps.TIMESHEET
        return f"{href}?engagement={one.pk}" if is_of_one else href

    def agreement_url(self, one: Recorded) -> str:
        model = PAGES[one.kind]
        may_open = self.scope.user.has_perm(f"engagements.view_{model}")
        if not (self.scope.user.is_staff and may_open):
            return ""
        return reverse(f"admin:engagements_{model}_change", args=[one.pk])


class GapsByField(GapReport):
    """What is missing how often, and the spend that rests on it."""

    slug = "fields"
    title = marked("What is missing, by field")
    noun = marked("fields")
    says = marked(
        "Of live engagements. One that lacks several things counts for each of them, so"
        " that the spend of the fields doesn't add up."
    )
    nothing = marked("Nothing is missing here.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Field")),
        Column(marked("Engagements asked"), COUNT, rank=3),
        Column(marked("Missing"), COUNT, is_summed=True),
        Column(marked("Known"), SHARE, rank=2),
        Column(marked("Spend that rests on it"), MONEY),
        Column(marked("What nobody can tell"), wraps=True, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def lacking(self) -> list[tuple[Fact, list[Recorded]]]:
        """The facts that are missing anywhere, the most spend first."""
        found = [
            (fact, [one for one in self.recorded if fact.code in one.gaps])
            for fact in self.facts
        ]
        return sorted(
            (pair for pair in found if pair[1]),
            key=lambda pair: (-_spent(pair[1]), pair[0].code),
        )

    def listed(self) -> list[Row]:
        return [self._row(fact, rows) for fact, rows in self.lacking]

    def _row(self, fact: Fact, rows: Sequence[Recorded]) -> Row:
        asked = sum(1 for one in self.recorded if fact.code in one.asked)
        values = (
            translated(fact.label),
            asked,
            len(rows),
            share(Decimal(asked - len(rows)), Decimal(asked)),
            _spent(rows),
            translated(fact.why),
            self.scope.notation.currency,
        )
        return Row(values, self.scope.report_url("gaps", **{FACT: fact.code}))

    def picture(self) -> Drawing | None:
        if not any(_spent(rows) for _fact, rows in self.lacking):
            return None
        return Drawing(
            [], self._bars(f"{CHART_ID}-wide", WIDE * 2), self._bars(CHART_ID, NARROW)
        )

    def _bars(self, chart_id: str, width: int) -> Svg:
        return ranked_bars(
            [self._bar(fact, rows) for fact, rows in self.lacking if _spent(rows)],
            chart_id=chart_id,
            summary=_("Spend that rests on what is missing, as in the table below"),
            width=width,
        )

    def _bar(self, fact: Fact, rows: Sequence[Recorded]) -> Bar:
        notation, spent = self.scope.notation, _spent(rows)
        text = _("%(field)s: missing on %(n)s, %(spend)s rests on it") % {
            "field": translated(fact.label),
            "n": notation.count(len(rows)),
            "spend": notation.money(spent),
        }
        return Bar(
            name=translated(fact.label),
            text=text,
            value_text=notation.short(spent),
            segments=[Segment(RESTS, spent, text)],
            href=self.scope.report_url("gaps", **{FACT: fact.code}),
        )


class GapsByEngagement(GapReport):
    slug = "by-engagement"
    title = marked("What is missing, by engagement")
    noun = marked("engagements")
    nothing = marked("Every live engagement is complete.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Model"), rank=3),
        Column(marked("Missing"), COUNT, is_summed=True),
        Column(marked("Known"), SHARE, rank=2),
        Column(marked("What is missing"), wraps=True, rank=2),
        Column(marked("Spend"), MONEY, is_summed=True),
        Column(marked("Currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        return [self._row(one, self.gaps(one)) for one in self.incomplete]

    def _row(self, one: Recorded, gaps: Sequence[Fact]) -> Row:
        asked = sum(1 for fact in self.facts if fact.code in one.asked)
        values = (
            one.title,
            one.reference,
            one.vendor,
            str(Kind(one.kind).label),
            len(gaps),
            share(Decimal(asked - len(gaps)), Decimal(asked)),
            ", ".join(translated(fact.label) for fact in gaps),
            one.spent,
            self.scope.notation.currency,
        )
        href = self.scope.report_url("gaps", engagement=str(one.public_id))
        return Row(values, href)


class Gaps(GapReport):
    """Every single thing that is missing; opens the form that fills it in."""

    slug = "gaps"
    title = marked("Everything that is missing")
    noun = marked("things to record")
    says = marked("Each row opens the form that fills it in.")
    nothing = marked("Nothing is missing here.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Field")),
        Column(marked("What nobody can tell"), wraps=True, rank=2),
        Column(marked("Spend of the engagement"), MONEY),
        Column(marked("Currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        return [
            Row(
                (
                    one.title,
                    one.reference,
                    one.vendor,
                    translated(fact.label),
                    translated(fact.why),
                    one.spent,
                    self.scope.notation.currency,
                ),
                self.form_url(one, fact),
            )
            for one in self.incomplete
            for fact in self.gaps(one)
        ]


LOOSE = {
    data_gaps.UNALLOCATED: (
        marked("Unallocated spend"),
        marked("Booked as unallocated, since no cost split says who pays."),
    ),
    data_gaps.DRAFTS: (
        marked("Spend on drafts"),
        marked("Payments that match no agreement: drafts were made of them."),
    ),
    data_gaps.UNKNOWN_CHARGE: (
        marked("Charge not known"),
        marked("Paid, and nobody can say whether for a fee, for hours or for more."),
    ),
    data_gaps.ESTIMATES: (
        marked("Accrued by estimate"),
        marked("Days of which nobody told the hours, at planned hours and the rate."),
    ),
    data_gaps.LOST: (
        marked("Credits lost"),
        marked("Owed by vendors and never claimed in time."),
    ),
}


class LooseMoney(TopicReport):
    """Amounts that something unknown stands behind."""

    slug = "costs"
    title = marked("What not knowing costs")
    noun = marked("amounts")
    unheeded: ClassVar[frozenset[str]] = frozenset({FACT})
    says = marked(
        "Spend is of the months chosen, estimates are of the last month end, credits of"
        " all time. The amounts overlap, so they are not added up."
    )
    nothing = marked("No amount rests on something unknown.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("What")),
        Column(marked("Cases"), COUNT),
        Column(marked("Amount"), MONEY),
        Column(marked("Why"), wraps=True, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        today = timezone.localdate()
        found = data_gaps.loose_money(self.scope.user, self.scope.where, today=today)
        return [self._row(one) for one in found]

    def _row(self, one: Loose) -> Row:
        name, why = LOOSE[one.code]
        currency = self.scope.notation.currency
        values = (translated(name), one.cases, one.amount, translated(why), currency)
        return Row(values, self._opens(one.code))

    def _opens(self, code: str) -> str:
        scope = self.scope
        if code == data_gaps.UNALLOCATED:
            return scope.report_url("ledger-entries", cost_centre="UNALLOCATED")
        if code == data_gaps.ESTIMATES:
            return scope.report_url("accruals", cost_centre="")
        if code == data_gaps.LOST:
            return (
                reverse("tracker:service-levels-report", args=["lost-credits"])
                + "?period=all"
            )
        if code == data_gaps.DRAFTS and scope.user.is_staff:
            href = reverse("admin:engagements_engagement_changelist")
            return f"{href}?status__exact=draft"
        return scope.report_url("engagements")


class NotJudged(TopicReport):
    """What the fit engine could not judge, and what it might be worth to know."""

    slug = "not-judged"
    title = marked("What the fit engine could not judge")
    noun = marked("engagements")
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED | {FACT}
    says = marked(
        "The saving is a month's if the other model did fit, in the middle and from the"
        " 10th to the 90th of a hundred; it needs three whole months of spend."
    )
    nothing = marked("Every engagement judged has enough evidence.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Evidence recorded"), SHARE, rank=2),
        Column(marked("Spend a year"), MONEY, is_summed=True),
        Column(marked("Possible saving a month"), MONEY, rank=2),
        Column(marked("At least"), MONEY, on_page=False),
        Column(marked("At most"), MONEY, rank=3),
        Column(marked("What to record first"), wraps=True, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def undecided(self) -> list[Undecided]:
        return data_gaps.undecided(self.scope.user, self.scope.where)

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.undecided]

    def _row(self, one: Undecided) -> Row:
        worth = one.worth
        values = (
            one.title,
            one.reference,
            one.vendor,
            one.coverage.quantize(Decimal("0.001")),
            _cents(worth.yearly_spend) if worth else None,
            _cents(worth.p50) if worth else None,
            _cents(worth.p10) if worth else None,
            _cents(worth.p90) if worth else None,
            " ".join(one.record),
            self.scope.notation.currency,
        )
        href = ""
        user = self.scope.user
        if user.is_staff and user.has_perm("tracker.view_assessment"):
            href = reverse("admin:tracker_assessment_change", args=[one.assessment])
        return Row(values, href)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _spent(rows: Sequence[Recorded]) -> Decimal:
    return sum((one.spent for one in rows), NOTHING)
