"""The page of all vendors, and the one of a single vendor."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from engagements.values.language import translated
from tracker.dashboards.charts.svg import shortened
from tracker.dashboards.findings import period_text
from tracker.dashboards.pages import (
    NAME_IN_TITLE,
    Figure,
    Link,
    Section,
    card_table,
    downloads,
    said_of,
)
from tracker.dashboards.report import Report, share
from tracker.dashboards.reports.months import SpendByMonth
from tracker.dashboards.topics.page import (
    Topic,
    TopicPage,
    section,
)
from tracker.dashboards.topics.scope import TopicScope
from tracker.dashboards.vendors.reports import (
    Prices,
    PricesByVendor,
    PricesByYear,
    VendorConcentration,
    VendorEngagements,
    VendorScorecards,
    year_name,
)
from tracker.spend.budget_standing import fiscal_year_of
from tracker.spend.concentration import (
    Concentration,
    concentration_of,
    herfindahl_index,
)
from tracker.spend.price_changes import price_move
from tracker.spend.queries import spend_overview

TOP = 3
MONTHS_SHOWN = 24
DASH = "\N{EN DASH}"
WORDS = {
    Concentration.LOW: marked("not concentrated"),
    Concentration.MODERATE: marked("somewhat concentrated"),
    Concentration.HIGH: marked("highly concentrated"),
}


class Vendors(Topic):
    name = "vendors"
    title = marked("Vendors")
    reports: ClassVar[Sequence[type[Report]]] = (
        VendorConcentration,
        VendorEngagements,
        VendorScorecards,
        PricesByYear,
        PricesByVendor,
        Prices,
        SpendByMonth,
    )

    def page(self, scope: TopicScope) -> TopicPage:
        if scope.where.vendor_id is not None:
            return _OneVendor(self, scope).page()
        return _AllVendors(self, scope).page()


class _AllVendors:
    def __init__(self, topic: Vendors, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.concentration = VendorConcentration(scope)
        self.prices = PricesByYear(scope)

    def page(self) -> TopicPage:
        scope = self.scope
        engagements = VendorEngagements(scope)
        by_vendor, cards = PricesByVendor(scope), VendorScorecards(scope)
        # Read once for all three tables.
        for other in (by_vendor, cards):
            vars(other).update(changes=self.prices.changes)
        is_empty = not self.concentration.vendors and not engagements.found
        sections = [
            section(self.concentration),
            section(cards),
            section(self.prices, is_full=False),
            section(by_vendor, is_full=False),
            section(engagements),
        ]
        return TopicPage(
            eyebrow=self.topic.eyebrow(scope),
            title=self._title(),
            as_of=self.topic.as_of(scope),
            figures=[] if is_empty else self._figures(),
            sections=[] if is_empty else sections,
            advice=_advice() if is_empty else (),
        )

    def _title(self) -> str:
        vendors, notation = self.concentration.vendors, self.scope.notation
        if not vendors:
            months = period_text(self.scope.period, notation)
            return _("No vendor was paid: %(months)s") % {"months": months}
        name = shortened(vendors[0].name, NAME_IN_TITLE)
        if len(vendors) == 1:
            return _("All external spend goes to %(vendor)s") % {"vendor": name}
        shares = self.concentration.shares
        words = {"vendor": name, "share": notation.percent(shares[0])}
        if len(vendors) <= TOP:
            return _("%(vendor)s takes %(share)s of external spend") % words
        top = notation.percent(sum(shares[:TOP], Decimal(0)))
        return _(
            "%(vendor)s takes %(share)s of external spend, the three largest %(top)s"
        ) % {**words, "top": top}

    def _figures(self) -> list[Figure]:
        concentration, notation = self.concentration, self.scope.notation
        index = herfindahl_index([one.parts.total for one in concentration.vendors])
        shares = concentration.shares
        return [
            Figure(
                _("Spend in the period"),
                notation.money(concentration.whole),
                _("open it by month"),
                self.scope.finance_url(),
            ),
            Figure(
                _("Vendors with spend"),
                notation.count(len(concentration.vendors)),
                self._half(),
                self.scope.report_url("concentration"),
            ),
            Figure(
                _("Largest vendor"),
                notation.percent(shares[0]) if shares else DASH,
                concentration.vendors[0].name if shares else "",
                self._largest_url(),
            ),
            Figure(
                _("Concentration index"),
                notation.count(int(index.to_integral_value())),
                translated(WORDS[concentration_of(index)]),
            ),
            price_figure(self.prices),
        ]

    def _largest_url(self) -> str:
        vendors = self.concentration.vendors
        if not vendors:
            return ""
        return self.scope.page_url(vendor=str(vendors[0].public_id))

    def _half(self) -> str:
        """Say how many vendors take half of the spend."""
        together, count = Decimal(0), 0
        for part in self.concentration.shares:
            if together >= Decimal("0.5"):
                break
            together, count = together + part, count + 1
        return ngettext(
            "%(n)s of them takes half", "%(n)s of them take half", count
        ) % {"n": count}


class _OneVendor:
    def __init__(self, topic: Vendors, scope: TopicScope) -> None:
        self.topic, self.scope = topic, scope
        self.name = next(
            drill.name for drill in scope.drills if drill.parameter == "vendor"
        )

    def page(self) -> TopicPage:
        scope = self.scope
        years, prices = PricesByYear(scope), Prices(scope)
        engagements = VendorEngagements(scope)
        months = SpendByMonth(scope)
        cards = VendorScorecards(scope)
        for other in (prices, cards):
            vars(other).update(changes=years.changes)
        sections: list[Section] = [
            section(engagements),
            section(cards),
            section(years, is_full=False),
            section(prices, is_full=False),
        ]
        if any(month.parts.total for month in months.months):
            sections.insert(0, _months(months))
        return TopicPage(
            eyebrow=self.topic.eyebrow(scope),
            title=self._title(months),
            as_of=self.topic.as_of(scope),
            figures=self._figures(months, engagements, years),
            sections=sections,
            back=Link(_("Vendors"), scope.page_url(vendor="")),
        )

    def _title(self, months: SpendByMonth) -> str:
        name, notation = shortened(self.name, NAME_IN_TITLE), self.scope.notation
        total = months.total.total
        if not total:
            return _("%(vendor)s was paid nothing in these months") % {"vendor": name}
        part = share(total, self._whole())
        words = {"vendor": name, "amount": notation.short(total)}
        if part is None:
            return _("%(vendor)s took %(amount)s") % words
        return _("%(vendor)s took %(amount)s, %(share)s of external spend") % {
            **words,
            "share": notation.percent(part),
        }

    def _whole(self) -> Decimal:
        where = replace(self.scope.where, vendor_id=None, engagement_id=None)
        overview = spend_overview(self.scope.user, where)
        return sum((one.parts.total for one in overview.vendors), Decimal(0))

    def _figures(
        self, months: SpendByMonth, engagements: VendorEngagements, years: PricesByYear
    ) -> list[Figure]:
        notation, scope = self.scope.notation, self.scope
        accrued = months.total.accrued
        deadlines = sorted(
            one.notice_deadline_on
            for one in engagements.lines
            if one.notice_deadline_on and one.notice_deadline_on >= timezone.localdate()
        )
        live = [one for one in engagements.lines if one.phase != "closed"]
        return [
            Figure(
                _("Spend in the period"),
                notation.money(months.total.total),
                _("of which %(amount)s not yet invoiced")
                % {"amount": notation.money(accrued)}
                if accrued
                else "",
                scope.report_url("ledger-entries"),
            ),
            Figure(
                _("Live engagements"),
                notation.count(len(live)),
                _("open the list"),
                scope.report_url("vendor-engagements"),
            ),
            Figure(
                _("Next notice deadline"),
                notation.day(deadlines[0]) if deadlines else DASH,
                _("the last day to give notice") if deadlines else "",
            ),
            price_figure(years),
        ]


def price_figure(years: PricesByYear) -> Figure:
    """Return the mean change of the fiscal year that runs, which opens its prices."""
    year = fiscal_year_of(timezone.localdate())
    move = price_move(years.years().get(year, []))
    notation, scope = years.scope.notation, years.scope
    name = _("Price change in %(year)s") % {"year": year_name(year)}
    if move.share is None:
        return Figure(name, DASH, _("no price to compare was spent on"))
    sign = "+" if move.share > 0 else ""
    return Figure(
        name,
        f"{sign}{notation.percent(move.share, digits=1)}",
        _("%(amount)s of the year's spend, like for like")
        % {"amount": notation.money(move.effect)},
        scope.report_url("prices", **years.year_period(year)),
    )


def _months(months: SpendByMonth) -> Section:
    return Section(
        months.slug,
        _("Spend by month"),
        card_table(months, months.newest_rows(MONTHS_SHOWN)),
        downloads(months, is_drawn=True),
        months.drawing(MONTHS_SHOWN),
        is_full=True,
        note=said_of(months),
    )


def _advice() -> list[tuple[str, str]]:
    return [
        (
            _("Record what was paid."),
            _(
                "Invoices, work logs or a file of payments become spend by vendor at"
                " once."
            ),
        ),
        (
            _("Log the engagements behind it."),
            _("Fees and rates, with the day they run from, show what rises."),
        ),
        (_("Or choose other months."), _("“All” shows everything there is.")),
    ]
