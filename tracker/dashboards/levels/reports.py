"""Tables of service levels: each yields the page's table, its CSV and its XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from engagements.values.language import translated
from tracker.dashboards.levels.drawing import OUTCOMES, drawn, figure
from tracker.dashboards.levels.scope import LevelScope
from tracker.dashboards.report import MONTHS, Column, ColumnKind, Report, Row, Value
from tracker.dashboards.spend_series import Drawing
from tracker.performance.at_risk import Risk
from tracker.performance.level_queries import (
    AtRisk,
    LeagueRow,
    LevelRow,
    credits_where,
    level_rows,
    levels_in_window,
    results_where,
    vendor_league,
    vendors_by_service,
)
from tracker.performance.scorecard import Band, Trend
from tracker.performance.service_levels import minutes_of, shown

RISKS = {
    Risk.SHORT: gettext_noop("Short so far"),
    Risk.NEAR: gettext_noop("Near its bound"),
    Risk.SAFE: gettext_noop("On course"),
    Risk.SILENT: gettext_noop("No data yet"),
}
BANDS = {
    Band.EXCELLENT: gettext_noop("Excellent"),
    Band.GOOD: gettext_noop("Good"),
    Band.FAIR: gettext_noop("Fair"),
    Band.POOR: gettext_noop("Poor"),
}
TRENDS = {
    Trend.RISING: gettext_noop("rising"),
    Trend.STEADY: gettext_noop("steady"),
    Trend.FALLING: gettext_noop("falling"),
}
TENTH = Decimal("0.1")
MONTHS_WIDE, MONTHS_NARROW = 24, 10
LEVELS_SHOWN = 40


class LevelReport(Report):
    """Registered apart from those of spend: other filters, other readers."""

    _registered: ClassVar[dict[str, type[Report]]] = {}
    also_reads: ClassVar[Sequence[str]] = ("measurements:read",)

    def __init__(self, scope: LevelScope) -> None:
        super().__init__(scope)
        self.levels = scope


def window_url(public_id: object) -> str:
    return reverse("tracker:service-level-window", args=[public_id])


def promise(row: LevelRow | AtRisk) -> str:
    level = row.level
    sign = "≤" if level.direction == "at_most" else "≥"
    return f"{sign} {shown(level.target)} {level.unit}".strip()


class Levels(LevelReport):
    """What the heat map shows, as counts: one row per level."""

    slug = "levels"
    title = "Service levels"
    noun = "service levels"
    columns: ClassVar[Sequence[Column]] = (
        Column("Service level"),
        Column("Engagement", rank=2),
        Column("Reference", on_page=False),
        Column("Vendor", rank=3),
        Column("Promise", rank=2),
        Column("Met", ColumnKind.COUNT, is_summed=True),
        Column("Missed", ColumnKind.COUNT, is_summed=True),
        Column("No data", ColumnKind.COUNT, is_summed=True, rank=3),
        Column("Excused", ColumnKind.COUNT, is_summed=True, rank=3),
        Column("Coverage", ColumnKind.SHARE, rank=3),
    )

    @cached_property
    def found(self) -> list[LevelRow]:
        return level_rows(self.scope.user, self.levels.levels)

    def picture(self) -> Drawing | None:
        shown_rows = self.found[:LEVELS_SHOWN]
        if not any(row.results for row in shown_rows):
            return None
        return Drawing(
            key=[],
            wide=drawn(self.levels, shown_rows, MONTHS_WIDE, is_narrow=False),
            narrow=drawn(self.levels, shown_rows, MONTHS_NARROW, is_narrow=True),
        )

    def rows(self) -> Iterator[Row]:
        for one in self.found:
            counts = one.counts
            yield Row(
                (
                    one.level.name,
                    one.engagement.title,
                    one.engagement.reference,
                    str(one.engagement.vendor),
                    promise(one),
                    *(counts[outcome] for outcome in OUTCOMES),
                    one.coverage,
                ),
                self.scope.report_url(
                    "windows", engagement=str(one.engagement.public_id)
                ),
            )


class WindowsOfLevels(LevelReport):
    """Every result, with the figures behind it."""

    slug = "windows"
    title = "Windows of service levels"
    noun = "windows"
    columns: ClassVar[Sequence[Column]] = (
        Column("Service level"),
        Column("Engagement", rank=2),
        Column("Reference", on_page=False),
        Column("Vendor", rank=3),
        Column("From", ColumnKind.DAY),
        Column("To", ColumnKind.DAY, rank=3),
        Column("Outcome"),
        Column("Figure", ColumnKind.PRICE),
        Column("Unit", rank=2),
        Column("Good", ColumnKind.COUNT, rank=3),
        Column("Out of", ColumnKind.COUNT, rank=3),
        Column("Minutes down", ColumnKind.PRICE, rank=3),
        Column("Excused by", on_page=False),
        Column("Why it is excused", wraps=True, rank=3),
    )

    def rows(self) -> Iterator[Row]:
        found = results_where(self.scope.user, self.levels.levels)
        for one in found.iterator(chunk_size=2000):
            yield Row(
                (
                    one.service_level.name,
                    one.engagement.title,
                    one.engagement.reference,
                    str(one.engagement.vendor),
                    one.window_from,
                    one.window_to,
                    OUTCOMES[one.outcome],
                    None if one.value is None else shown(one.value),
                    one.service_level.unit,
                    one.good,
                    one.total,
                    None if one.down_seconds is None else minutes_of(one.down_seconds),
                    one.excused_by.get_username() if one.excused_by else "",
                    one.excuse,
                ),
                window_url(one.public_id),
            )

    def row_count(self) -> int:
        return results_where(self.scope.user, self.levels.levels).count()


class LevelsAtRisk(LevelReport):
    """The windows that run now; what is on course stands in the downloads alone."""

    slug = "at-risk"
    title = "At risk in this window"
    noun = "service levels"
    unheeded: ClassVar[frozenset[str]] = MONTHS
    columns: ClassVar[Sequence[Column]] = (
        Column("Service level"),
        Column("Engagement", rank=2),
        Column("Reference", on_page=False),
        Column("Vendor", rank=3),
        Column("Window until", ColumnKind.DAY, rank=3),
        Column("So far"),
        Column("Promise", rank=2),
        Column("Standing"),
        Column("What would follow", wraps=True),
        Column("Credit", ColumnKind.PRICE, on_page=False),
        Column("Currency", on_page=False),
    )

    @cached_property
    def found(self) -> list[AtRisk]:
        today = timezone.localdate()
        return levels_in_window(self.scope.user, self.levels.levels, today=today)

    @property
    def pressing(self) -> list[AtRisk]:
        return [one for one in self.found if one.risk in (Risk.SHORT, Risk.NEAR)]

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.found)

    def pressing_rows(self) -> list[Row]:
        return [self._row(one) for one in self.pressing]

    def _row(self, one: AtRisk) -> Row:
        return Row(
            (
                one.level.name,
                one.engagement.title,
                one.engagement.reference,
                str(one.engagement.vendor),
                one.window.last,
                figure(one.so_far.value, one.level.unit),
                promise(one),
                translated(RISKS[one.risk]),
                consequence(one, self.levels),
                one.credit.amount if one.credit else None,
                one.engagement.currency if one.credit else "",
            ),
            self.levels.page_url(engagement=str(one.engagement.public_id)),
        )


def consequence(one: AtRisk, scope: LevelScope) -> str:
    """Return such as "2 more misses and a credit of £2,000.00 is due"."""
    if one.credit is not None:
        amount = scope.notation.money(one.credit.amount, one.engagement.currency)
        if one.credit.misses == 0:
            return _("As it stands, a credit of %(amount)s is due") % {"amount": amount}
        return ngettext(
            "%(n)d more miss and a credit of %(amount)s is due",
            "%(n)d more misses and a credit of %(amount)s is due",
            one.credit.misses,
        ) % {"n": one.credit.misses, "amount": amount}
    if one.risk is Risk.SHORT:
        return _("As it stands, the window is missed")
    if one.misses_left is not None:
        return ngettext(
            "%(n)d more miss and the window is missed",
            "%(n)d more misses and the window is missed",
            one.misses_left + 1,
        ) % {"n": one.misses_left + 1}
    if one.minutes_left is not None and one.minutes_left >= 0:
        minutes = scope.notation.number(minutes_of(int(one.minutes_left * 60)))
        return _("%(minutes)s more minutes down and the window is missed") % {
            "minutes": minutes
        }
    return ""


LEAGUE_COLUMNS = (
    Column("Score", ColumnKind.COUNT),
    Column("Band"),
    Column("By its own windows", ColumnKind.COUNT, rank=3),
    Column("Coverage", ColumnKind.SHARE, rank=2),
    Column("Met", ColumnKind.COUNT, rank=2),
    Column("Missed", ColumnKind.COUNT, rank=2),
    Column("Engagements", ColumnKind.COUNT, rank=3),
)


def _league_values(row: LeagueRow) -> tuple[Value, ...]:
    value, band = row.score.value, row.score.band
    return (
        None if value is None else Decimal(value).quantize(TENTH),
        translated(BANDS[band]) if band else _("No data"),
        None if row.own is None else Decimal(row.own).quantize(TENTH),
        Decimal(row.score.coverage).quantize(Decimal("0.001")),
        row.met,
        row.missed,
        row.engagements,
    )


class VendorLeague(LevelReport):
    slug = "vendor-scores"
    title = "Vendors by score"
    noun = "vendors"
    unheeded: ClassVar[frozenset[str]] = MONTHS
    columns: ClassVar[Sequence[Column]] = (Column("Vendor"), *LEAGUE_COLUMNS)

    @cached_property
    def found(self) -> list[LeagueRow]:
        return vendor_league(
            self.scope.user, self.levels.levels, as_of=timezone.localdate()
        )

    def rows(self) -> Iterator[Row]:
        for one in self.found:
            yield Row(
                (one.vendor, *_league_values(one)),
                self.levels.page_url(vendor=str(one.vendor_id)),
            )


class VendorsByService(LevelReport):
    slug = "vendors-by-service"
    title = "Vendors of the same service"
    noun = "vendors of a service"
    unheeded: ClassVar[frozenset[str]] = MONTHS
    columns: ClassVar[Sequence[Column]] = (
        Column("Service"),
        Column("Vendor"),
        *LEAGUE_COLUMNS,
    )

    @cached_property
    def found(self) -> list[LeagueRow]:
        return vendors_by_service(
            self.scope.user, self.levels.levels, as_of=timezone.localdate()
        )

    def rows(self) -> Iterator[Row]:
        for one in self.found:
            yield Row(
                (one.service, one.vendor, *_league_values(one)),
                self.levels.page_url(vendor=str(one.vendor_id)),
            )


class LostCredits(LevelReport):
    """Credits that nobody claimed in time."""

    slug = "lost-credits"
    title = "Lost to missed claim deadlines"
    noun = "credits"
    also_reads: ClassVar[Sequence[str]] = ("measurements:read", "credits:read")
    columns: ClassVar[Sequence[Column]] = (
        Column("Engagement"),
        Column("Reference", on_page=False),
        Column("Vendor", rank=2),
        Column("Service level", rank=3),
        Column("Window from", ColumnKind.DAY),
        Column("Claim by", ColumnKind.DAY),
        Column("Amount", ColumnKind.PRICE),
        Column("Currency"),
    )

    def rows(self) -> Iterator[Row]:
        rows = credits_where(self.scope.user, self.levels.levels, ["expired"])
        for one in rows.iterator(chunk_size=2000):
            level = one.service_level
            yield Row(
                (
                    one.engagement.title,
                    one.engagement.reference,
                    str(one.engagement.vendor),
                    level.name if level else _("By points"),
                    one.window_from,
                    one.claim_by_on,
                    one.amount,
                    one.engagement.currency,
                ),
                self.levels.page_url(engagement=str(one.engagement.public_id)),
            )
