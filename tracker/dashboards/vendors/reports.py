"""Tables of vendors: each yields the page's table, its CSV and its XLSX."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from engagements.choices import LIVE_STATUSES, Kind, Phase
from engagements.models import Engagement, Vendor
from engagements.values.language import translated
from engagements.values.periods import add_months, last_day_of_month
from tracker.dashboards.charts.ranking import NARROW, WIDE, Bar, ranked_bars
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.report import MONTHS, Column, ColumnKind, Row, Value, share
from tracker.dashboards.scope import Scope
from tracker.dashboards.spend_series import Drawing, key, segments, stack_text
from tracker.dashboards.topics.report import TopicReport
from tracker.performance.level_queries import LeagueRow, LevelsWhere, vendor_league
from tracker.performance.scorecard import Band
from tracker.performance.vendor_records import VendorRecord, vendor_records
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.concentration import herfindahl_points, shares
from tracker.spend.price_changes import (
    PriceChange,
    PriceMove,
    price_changes,
    price_move,
)
from tracker.spend.queries import VendorSpend, engagements_where, spend_by_vendor
from tracker.spend.vendor_engagements import EngagementLine, engagement_lines

MONEY, PRICE, SHARE = ColumnKind.MONEY, ColumnKind.PRICE, ColumnKind.SHARE
COUNT, DAY = ColumnKind.COUNT, ColumnKind.DAY
SEES_LEVELS = "tracker.view_levelresult"
CHART_ID = "concentration"
BARS_SHOWN = 12
TENTH = Decimal("0.1")
NOTHING = Decimal(0)
BANDS = {
    Band.EXCELLENT: marked("Excellent"),
    Band.GOOD: marked("Good"),
    Band.FAIR: marked("Fair"),
    Band.POOR: marked("Poor"),
}
UNITS = {
    "month": marked("a month"),
    "day": marked("a day"),
    "hour": marked("an hour"),
}


def year_name(year: int) -> str:
    """Return such as 2026/27, or 2026 where fiscal years are calendar years."""
    months = fiscal_months(year)
    if months[0].year == months[-1].year:
        return str(year)
    return f"{year}/{months[-1].year % 100:02d}"


def kind_name(kind: str) -> str:
    return str(Kind(kind).label)


def unit_name(unit: str) -> str:
    return translated(UNITS[unit]) if unit else ""


def price_text(scope: Scope, price: Decimal | None, unit: str, currency: str) -> str:
    """Return such as “£595.00 a day”; "" where no price is known."""
    if price is None:
        return ""
    return f"{scope.notation.money(price, currency)} {unit_name(unit)}"


class VendorConcentration(TopicReport):
    """Who takes which part of the spend, beside the same months a year before."""

    slug = "concentration"
    title = marked("Concentration")
    noun = marked("vendors")
    says = marked(
        "The index (Herfindahl-Hirschman) adds up the squares of all shares in per"
        " cent: 10,000 is a single vendor. Above 1,800 counts as highly, from 1,000 as"
        " somewhat concentrated (merger guidelines of the United States, 2023)."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Vendor")),
        Column(marked("Vendor id"), on_page=False),
        Column(marked("Spend"), MONEY, is_summed=True),
        Column(marked("Share"), SHARE, is_summed=True),
        Column(marked("Together with those above"), SHARE, rank=3),
        Column(marked("Points of the index"), COUNT, is_summed=True, rank=3),
        Column(marked("A year before"), MONEY, is_summed=True, rank=2),
        Column(marked("Share a year before"), SHARE, is_summed=True, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def vendors(self) -> list[VendorSpend]:
        return self.scope.overview.vendors

    @cached_property
    def whole(self) -> Decimal:
        return sum((one.parts.total for one in self.vendors), NOTHING)

    @cached_property
    def shares(self) -> list[Decimal]:
        return shares([one.parts.total for one in self.vendors])

    @cached_property
    def before(self) -> Mapping[str, Decimal]:
        """Spend of the same months a year before, by vendor; none of open periods."""
        period = self.scope.period
        if period.first is None or period.last is None:
            return {}
        where = replace(
            self.scope.where,
            first_month=add_months(period.first, -12),
            last_month=add_months(period.last, -12),
        )
        found = spend_by_vendor(self.scope.user, where)
        return {str(one.public_id): one.parts.total for one in found}

    def listed(self) -> list[Row]:
        before = sum(self.before.values(), NOTHING)
        together = NOTHING
        rows = []
        for one, part in zip(self.vendors, self.shares, strict=True):
            together += part
            earlier = self.before.get(str(one.public_id), NOTHING)
            values: tuple[Value, ...] = (
                one.name,
                str(one.public_id),
                one.parts.total,
                share(one.parts.total, self.whole),
                together,
                herfindahl_points(part).quantize(TENTH),
                earlier if self.before else None,
                share(earlier, before),
                self.scope.notation.currency,
            )
            href = self.topic.page_url(vendor=str(one.public_id))
            rows.append(Row(values, href))
        return rows

    def picture(self) -> Drawing | None:
        if not self.vendors:
            return None
        top = self.vendors[:BARS_SHOWN]
        return Drawing(
            key([one.parts for one in top], CHART_ID),
            self._bars(top, f"{CHART_ID}-wide", WIDE * 2),
            self._bars(top, f"{CHART_ID}-narrow", NARROW),
        )

    def _bars(self, top: Sequence[VendorSpend], chart_id: str, width: int) -> Svg:
        return ranked_bars(
            [self._bar(one) for one in top],
            chart_id=chart_id,
            summary=_("%(title)s; the table below has the same figures")
            % {"title": self.title},
            width=width,
        )

    def _bar(self, one: VendorSpend) -> Bar:
        notation = self.scope.notation
        part = share(one.parts.total, self.whole)
        return Bar(
            name=one.name,
            text=stack_text(one.parts, one.name, notation),
            value_text="" if part is None else notation.percent(part),
            segments=segments(one.parts, one.name, notation),
            href=self.topic.page_url(vendor=str(one.public_id)),
        )


class PriceReport(TopicReport):
    """What price changes are told by; read once for all tables of a page."""

    slug = ""

    @cached_property
    def changes(self) -> list[PriceChange]:
        today = timezone.localdate()
        return price_changes(self.scope.user, self.scope.where, today=today)

    def in_period(self) -> list[PriceChange]:
        """Return the changes of years that began in the months asked for."""
        period = self.scope.period
        return [one for one in self.changes if period.holds(fiscal_months(one.year)[0])]

    def years(self) -> dict[int, list[PriceChange]]:
        found: dict[int, list[PriceChange]] = defaultdict(list)
        for one in self.changes:
            found[one.year].append(one)
        return found

    def year_period(self, year: int) -> dict[str, str]:
        """Return the filters that ask for the months of a fiscal year."""
        months = fiscal_months(year)
        return {
            "period": "",
            "from": f"{months[0]:%Y-%m}",
            "to": f"{months[-1]:%Y-%m}",
        }


def _moved(move: PriceMove) -> tuple[Value, ...]:
    return (
        move.compared,
        move.raised,
        move.lowered,
        move.share,
        move.spent,
        move.effect,
    )


MOVE_COLUMNS = (
    Column(marked("Compared"), COUNT, is_summed=True, rank=2),
    Column(marked("Raised"), COUNT, is_summed=True, rank=2),
    Column(marked("Lowered"), COUNT, is_summed=True, rank=3),
    Column(marked("Change"), SHARE),
    Column(marked("Spent at the new prices"), MONEY, is_summed=True, rank=3),
    Column(marked("Of it by the change"), MONEY, is_summed=True),
    Column(marked("Currency"), on_page=False),
)


class PricesByYear(PriceReport):
    slug = "price-years"
    title = marked("Fees and rates by year, like for like")
    noun = marked("fiscal years")
    unheeded: ClassVar[frozenset[str]] = MONTHS | {"basis"}
    says = marked(
        "Compared is only what was in force both on the last day before the fiscal year"
        " and in it, so that new work is no price rise. The change is the mean by what"
        " was spent on fees and time: what the year cost beyond the prices before."
    )
    nothing = marked(
        "No fee or rate has been in force over the turn of a fiscal year yet."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Fiscal year")),
        *MOVE_COLUMNS,
    )

    def listed(self) -> list[Row]:
        return [
            Row(
                (
                    year_name(year),
                    *_moved(price_move(found)),
                    self.scope.notation.currency,
                ),
                self.scope.report_url("prices", **self.year_period(year)),
            )
            for year, found in sorted(self.years().items(), reverse=True)
        ]


class PricesByVendor(PriceReport):
    slug = "price-vendors"
    title = marked("Fees and rates by vendor, like for like")
    noun = marked("vendors")
    unheeded: ClassVar[frozenset[str]] = frozenset({"basis"})
    says = marked("Of the fiscal years that began in the months chosen above.")
    nothing = marked(
        "No fiscal year with prices to compare began in these months. Choose others."
    )
    columns: ClassVar[Sequence[Column]] = (Column(marked("Vendor")), *MOVE_COLUMNS)

    def listed(self) -> list[Row]:
        groups: dict[tuple[str, str], list[PriceChange]] = defaultdict(list)
        for one in self.in_period():
            groups[str(one.vendor_id), one.vendor].append(one)
        moves = [(who, price_move(found)) for who, found in groups.items()]
        moves.sort(key=lambda pair: (-pair[1].effect, pair[0][1]))
        return [
            Row(
                (name, *_moved(move), self.scope.notation.currency),
                self.scope.report_url("prices", vendor=public_id),
            )
            for (public_id, name), move in moves
        ]


class Prices(PriceReport):
    """Each fee and rate that was compared; opens the spend behind it."""

    slug = "prices"
    title = marked("Fees and rates, like for like")
    noun = marked("prices")
    unheeded: ClassVar[frozenset[str]] = frozenset({"basis"})
    says = PricesByVendor.says
    nothing = PricesByVendor.nothing
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Model"), on_page=False),
        Column(marked("Fiscal year"), rank=3),
        Column(marked("Before"), PRICE, rank=2),
        Column(marked("After"), PRICE, rank=2),
        Column(marked("Per"), rank=3),
        Column(marked("Currency"), rank=3),
        Column(marked("Change"), SHARE),
        Column(marked("Spent at the new price"), MONEY, is_summed=True, rank=3),
        Column(marked("Of it by the change"), MONEY, is_summed=True, rank=2),
        Column(marked("Reporting currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.in_period()]

    def _row(self, one: PriceChange) -> Row:
        href = self.scope.report_url(
            "ledger-entries",
            engagement=str(one.public_id),
            **self.year_period(one.year),
        )
        values = (
            one.title,
            one.reference,
            one.vendor,
            kind_name(one.kind),
            year_name(one.year),
            one.before,
            one.after,
            unit_name(one.unit),
            one.currency,
            one.share,
            one.spent,
            one.effect,
            self.scope.notation.currency,
        )
        return Row(values, href)


class VendorScorecards(TopicReport):
    """How each vendor does: score, invoices, credits and prices beside the spend."""

    slug = "scorecards"
    title = marked("Scorecard")
    noun = marked("vendors")
    also_reads: ClassVar[Sequence[str]] = ("measurements:read",)
    says = marked(
        "The score is of service levels over 36 months, from 0 to 100. Questioned are"
        " invoices of the months chosen on which something didn't fit; exceptions and"
        " credits are as they stand today."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Vendor")),
        Column(marked("Vendor id"), on_page=False),
        Column(marked("Spend"), MONEY, is_summed=True, rank=2),
        Column(marked("Live engagements"), COUNT, is_summed=True, rank=3),
        Column(marked("Score"), COUNT),
        Column(marked("Band")),
        Column(marked("Windows with data"), SHARE, on_page=False),
        Column(marked("Windows missed"), COUNT, is_summed=True, rank=2),
        Column(marked("Invoices"), COUNT, is_summed=True, on_page=False),
        Column(marked("Questioned"), COUNT, is_summed=True, rank=3),
        Column(marked("Open exceptions"), COUNT, is_summed=True, rank=2),
        Column(marked("Credits owed"), COUNT, is_summed=True, rank=3),
        Column(marked("Credits lost"), COUNT, is_summed=True, rank=3),
        Column(marked("Price change"), SHARE, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def changes(self) -> list[PriceChange]:
        today = timezone.localdate()
        return price_changes(self.scope.user, self.scope.where, today=today)

    def listed(self) -> list[Row]:
        scope, scores = self.scope, self._scores()
        spent = {one.public_id: one.parts.total for one in scope.overview.vendors}
        records = self._records()
        prices = self._prices()
        live = self._live_counts()
        rows = Vendor.objects.filter(
            pk__in=self._engagements().order_by().values("vendor_id")
        )
        vendors = sorted(
            rows.values_list("pk", "public_id", "legal_name"),
            key=lambda one: (-spent.get(one[1], NOTHING), one[2]),
        )
        return [
            Row(
                (
                    name,
                    str(public_id),
                    spent.get(public_id, NOTHING),
                    live.get(pk, 0),
                    *_scored(scores.get(str(public_id))),
                    *_recorded(records.get(pk, VendorRecord())),
                    prices.get(str(public_id)),
                    scope.notation.currency,
                ),
                self.topic.page_url(vendor=str(public_id)),
            )
            for pk, public_id, name in vendors
            if public_id in spent or live.get(pk)
        ]

    def _engagements(self) -> QuerySet[Engagement]:
        return engagements_where(self.scope.user, self.scope.where)

    def _live_counts(self) -> Mapping[int, int]:
        live = self._engagements().filter(status__in=LIVE_STATUSES).order_by()
        return dict(live.values_list("vendor_id").annotate(count=Count("pk")))

    def _scores(self) -> Mapping[str, LeagueRow]:
        if not self.scope.user.has_perm(SEES_LEVELS):
            return {}
        where = self.scope.where
        asked = LevelsWhere(
            department_ids=where.department_ids,
            vendor_id=where.vendor_id,
            engagement_id=where.engagement_id,
        )
        found = vendor_league(self.scope.user, asked, as_of=timezone.localdate())
        return {str(one.vendor_id): one for one in found}

    def _records(self) -> Mapping[int, VendorRecord]:
        period = self.scope.period
        today = timezone.localdate()
        last = last_day_of_month(period.last) if period.last else today
        return vendor_records(
            self.scope.user, self._engagements(), first=period.first, last=last
        )

    def _prices(self) -> Mapping[str, Decimal | None]:
        """Return the mean change of the fiscal year that runs, by vendor."""
        today = timezone.localdate()
        groups: dict[str, list[PriceChange]] = defaultdict(list)
        for one in self.changes:
            if one.year == fiscal_year_of(today):
                groups[str(one.vendor_id)].append(one)
        return {vendor: price_move(found).share for vendor, found in groups.items()}


def _scored(row: LeagueRow | None) -> tuple[Value, ...]:
    if row is None:
        return None, _("No service levels"), None, None
    value, band = row.score.value, row.score.band
    return (
        None if value is None else Decimal(value).quantize(TENTH),
        translated(BANDS[band]) if band else _("No data"),
        Decimal(row.score.coverage).quantize(Decimal("0.001")),
        row.missed,
    )


def _recorded(record: VendorRecord) -> tuple[Value, ...]:
    return (
        record.invoices,
        record.questioned,
        record.open_exceptions,
        record.credits_owed,
        record.credits_lost,
    )


class VendorEngagements(TopicReport):
    """What is agreed with the vendors, with its spend; opens the postings."""

    slug = "vendor-engagements"
    title = marked("Engagements")
    noun = marked("engagements")
    nothing = marked("No engagement is live or was spent on in these months.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Model"), rank=3),
        Column(marked("Phase"), rank=2),
        Column(marked("Since"), DAY, on_page=False),
        Column(marked("Term ends"), DAY, on_page=False),
        Column(marked("Last day for notice"), DAY, rank=2),
        Column(marked("Price"), in_file=False, rank=2),
        Column(marked("Price"), PRICE, on_page=False),
        Column(marked("Per"), on_page=False),
        Column(marked("Currency"), on_page=False),
        Column(marked("Spend"), MONEY, is_summed=True),
        Column(marked("Share"), SHARE, is_summed=True, rank=3),
        Column(marked("Reporting currency"), on_page=False),
    )

    @cached_property
    def lines(self) -> list[EngagementLine]:
        today = timezone.localdate()
        return engagement_lines(self.scope.user, self.scope.where, today=today)

    def listed(self) -> list[Row]:
        whole = sum((one.spent for one in self.lines), NOTHING)
        return [
            Row(
                (
                    one.title,
                    one.reference,
                    one.vendor,
                    kind_name(one.kind),
                    str(Phase(one.phase).label),
                    one.starts_on,
                    one.term_ends_on,
                    one.notice_deadline_on,
                    price_text(self.scope, one.price, one.unit, one.currency),
                    one.price,
                    unit_name(one.unit),
                    one.currency,
                    one.spent,
                    share(one.spent, whole),
                    self.scope.notation.currency,
                ),
                self.scope.report_url("ledger-entries", engagement=str(one.public_id)),
            )
            for one in self.lines
        ]
