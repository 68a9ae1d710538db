"""Tables of fit: each yields the page's table, its CSV, its XLSX and the API's rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar
from uuid import UUID

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked
from django.utils.translation import ngettext

from engagements.choices import Kind
from engagements.values.language import translated
from tracker.dashboards.charts.scatter import NARROW, WIDE, Axes, Frame, Mark, scatter
from tracker.dashboards.charts.svg import Attributes, Svg, element
from tracker.dashboards.report import Column, ColumnKind, Row, Value
from tracker.dashboards.spend_series import Drawing, KeyEntry
from tracker.dashboards.topics.report import TopicReport
from tracker.dashboards.topics.scope import TopicScope
from tracker.fit.conversions import Converted, Hidden, conversions
from tracker.fit.portfolio import Asking, Lesson, Placed, Portfolio, portfolio_of
from tracker.fit.queries import GroupRow, visible_groups
from tracker.fit.seen import ToldPattern, patterns_within
from tracker.fit.verdict import Answer, Verdict

PRICE, ESTIMATE = ColumnKind.PRICE, ColumnKind.ESTIMATE
COUNT, CHANCE, DAY = ColumnKind.COUNT, ColumnKind.CHANCE, ColumnKind.DAY
VERDICT, MISSING = "verdict", "missing"
# A drawing of more marks shows none; the largest spend stands for the rest.
MARKS_SHOWN = 300
HUNDREDTH = Decimal("0.01")
HALF = 0.5
NOTHING = Decimal(0)
MODELS = {
    Kind.MANAGED.value: marked("Managed"),
    Kind.AUGMENTED.value: marked("Augmented"),
}
# Where a date asks for a decision, and the engine for no other model.
UNLEANING = marked("Asks for a decision")
ANSWERS = {
    Answer.NOT_ENOUGH_EVIDENCE.value: marked("Not enough evidence"),
    Answer.OTHER_MODEL_FITS.value: marked("Other model fits better"),
    Answer.CURRENT_MODEL_FITS.value: marked("Current model fits"),
    Answer.MANAGED_FITS.value: marked("Managed service fits"),
    Answer.AUGMENTED_FITS.value: marked("Augmented contractors fit"),
    Answer.MIXED.value: marked("Mixed"),
    Answer.BLEND.value: marked("Blend"),
    Answer.EITHER_FITS.value: marked("Either fits"),
}


class FitReport(TopicReport):
    """What the engine last said, read once for all tables of a page."""

    slug = ""
    also_reads: ClassVar[Sequence[str]] = ("model-flags:read",)

    def __init__(self, scope: TopicScope, portfolio: Portfolio | None = None) -> None:
        super().__init__(scope)
        self._portfolio = portfolio

    @cached_property
    def portfolio(self) -> Portfolio:
        if self._portfolio is not None:
            return self._portfolio
        asked = self.scope.parameters
        return portfolio_of(
            self.scope.user,
            self.scope.where,
            verdict=asked.get(VERDICT, ""),
            missing=asked.get(MISSING, ""),
        )

    def admin_url(self, name: str, *args: int) -> str:
        return reverse(f"admin:{name}", args=args) if self.scope.user.is_staff else ""


class Verdicts(FitReport):
    """Every engagement judged, what speaks most for the other model first."""

    slug = "verdicts"
    title = marked("Fit against money")
    noun = marked("engagements")
    is_wide = True
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Engagement id"), on_page=False),
        Column(marked("Vendor"), on_page=False),
        Column(marked("Model"), rank=2),
        Column(marked("Verdict")),
        Column(marked("For the other"), CHANCE),
        Column(marked("Recorded"), CHANCE, rank=3),
        Column(marked("Spend a year"), ColumnKind.MONEY, is_summed=True, rank=2),
        Column(marked("Saving a month"), ESTIMATE, rank=2),
        Column(marked("Low saving"), ESTIMATE, rank=3),
        Column(marked("High saving"), ESTIMATE, rank=3),
        Column(marked("Pays in 2 years"), CHANCE, rank=3),
        Column(marked("Assessed on"), DAY, on_page=False),
        Column(marked("Currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        return [self._row(one) for one in sorted(self.portfolio.placed, key=_place)]

    def _row(self, one: Placed) -> Row:
        worth = one.worth
        values: tuple[Value, ...] = (
            one.title,
            one.reference,
            str(one.public_id),
            one.vendor,
            translated(MODELS[one.kind]),
            translated(ANSWERS[one.verdict]),
            _share(one.opposition),
            _share(one.coverage),
            spend_of(one) if worth else None,
            _cents(worth.p50) if worth else None,
            _cents(worth.p10) if worth else None,
            _cents(worth.p90) if worth else None,
            _share(worth.chance) if worth else None,
            one.as_of,
            self.scope.notation.currency,
        )
        return Row(values, self._page_of(one))

    def note(self) -> str:
        said = _(
            "“For the other” is the share of plausible priorities and readings of the"
            " evidence under which the other model fits better; it is no probability"
            " of being right. Fit and money are two axes and are never added up. Low"
            " and high are the 10th and 90th of a hundred."
        )
        return " ".join(filter(None, (said, self._scale, self._left_out)))

    @property
    def _scale(self) -> str:
        if not self.drawn:
            return ""
        return _(
            "Area: spend a year. Up: saving a month by going over, on a scale of"
            " square roots. Lines: where verdicts end."
        )

    @property
    def _left_out(self) -> str:
        drawn, placed = len(self.drawn), len(self.portfolio.placed)
        if not drawn:
            return _("Nothing has both enough evidence and three months of spend yet.")
        if drawn == placed:
            return ""
        return _(
            "%(drawn)s of %(placed)s are drawn: those with enough evidence and three"
            " months of spend, the largest first."
        ) % {
            "drawn": self.scope.notation.count(drawn),
            "placed": self.scope.notation.count(placed),
        }

    @cached_property
    def drawn(self) -> Sequence[Placed]:
        placed = self.portfolio.placed
        known = [one for one in placed if one.worth and is_judged(one)]
        return sorted(known, key=spend_of, reverse=True)[:MARKS_SHOWN]

    def picture(self) -> Drawing | None:
        if not self.drawn:
            return None
        return Drawing(self._key(), self._scatter(WIDE), self._scatter(NARROW))

    def _key(self) -> list[KeyEntry]:
        circle: Attributes = {"cx": 7, "cy": 7, "r": 6, "class": "tone-managed"}
        square: Attributes = {
            "x": 1,
            "y": 1,
            "width": 12,
            "height": 12,
            "class": "tone-augmented",
        }
        return [
            KeyEntry(_swatch(element("circle", circle)), _("Managed now")),
            KeyEntry(_swatch(element("rect", square)), _("Augmented now")),
        ]

    def _scatter(self, frame: Frame) -> Svg:
        notation = self.scope.notation
        summary = _(
            "Engagements by what speaks for the other model, across, and by the monthly"
            " saving of going over, up"
        )
        axes = Axes(
            across=_("Speaks for the other model"),
            up=_("Saving a month"),
            share=notation.percent,
            amount=notation.short,
            bounds=[
                (Decimal("0.3"), _("Below: the current model fits")),
                (Decimal("0.7"), _("Above: the other model fits better")),
            ],
        )
        marks = [self._mark(one) for one in self.drawn]
        return scatter(marks, summary=summary, axes=axes, frame=frame)

    def _mark(self, one: Placed) -> Mark:
        notation = self.scope.notation
        up = one.worth.p50 if one.worth else NOTHING
        text = _(
            "%(title)s, %(vendor)s: %(share)s for the other model, %(saving)s a month"
            " by going over, %(spend)s a year"
        ) % {
            "title": one.title,
            "vendor": one.vendor,
            "share": notation.chance(_share(one.opposition)),
            "saving": notation.money(up.quantize(Decimal(1))),
            "spend": notation.short(spend_of(one)),
        }
        return Mark(
            across=_share(one.opposition),
            up=up,
            size=spend_of(one),
            tone=one.kind,
            is_square=one.kind == Kind.AUGMENTED,
            text=text,
            href=self._page_of(one),
        )

    def _page_of(self, one: Placed) -> str:
        return self.admin_url("tracker_assessment_change", one.assessment)


class WaitingFlags(FitReport):
    """Flags that nobody has decided about, the first due first."""

    slug = "waiting-flags"
    title = marked("Flags by deadline and value")
    noun = marked("flags")
    nothing = marked("No flag waits for a decision.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Fits better")),
        Column(marked("Strongest reason"), wraps=True, rank=2),
        Column(marked("Notice by"), DAY),
        Column(marked("Days left"), COUNT, rank=2),
        Column(marked("Saving a month"), ESTIMATE, rank=2),
        Column(marked("State"), rank=3),
        Column(marked("Currency"), on_page=False),
    )

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.portfolio.asking]

    def _row(self, one: Asking) -> Row:
        values = (
            one.title,
            one.reference,
            one.vendor,
            translated(MODELS[one.leaning] if one.leaning else UNLEANING),
            str(capfirst(one.reason)),
            one.deadline,
            one.days,
            _cents(one.worth.p50) if one.worth else None,
            one.state,
            self.scope.notation.currency,
        )
        return Row(values, self.admin_url("tracker_flag_change", one.flag))


class GroupReport(FitReport):
    """Groups of which one engagement at least is asked for."""

    slug = ""

    def __init__(
        self,
        scope: TopicScope,
        portfolio: Portfolio | None = None,
        groups: Sequence[GroupRow] | None = None,
    ) -> None:
        super().__init__(scope, portfolio)
        self._groups = groups

    @cached_property
    def groups(self) -> Sequence[GroupRow]:
        if self._groups is not None:
            return self._groups
        asked = {one.engagement for one in self.portfolio.placed}
        found = visible_groups(self.scope.user)
        return [group for group in found if group.members & asked]


class Blends(GroupReport):
    slug = "blends"
    title = marked("Services for a blend")
    noun = marked("engagements")
    nothing = marked("No service has parts that fit opposed models.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Engagement id"), on_page=False),
        Column(marked("Service")),
        Column(marked("To be run")),
    )

    def listed(self) -> list[Row]:
        asked = {one.public_id for one in self.portfolio.placed}
        return [
            self._row(group, model, part)
            for group in self.groups
            if group.managed
            for model, parts in (
                (Kind.MANAGED.value, group.managed),
                (Kind.AUGMENTED.value, group.augmented),
            )
            for part in parts
            if part[0] in asked
        ]

    def _row(self, group: GroupRow, model: str, part: tuple[UUID, str]) -> Row:
        public_id, name = part
        values = (name, str(public_id), group.name, translated(MODELS[model]))
        return Row(values, self.scope.report_url(Verdicts.slug, **one_of(public_id)))


class Groups(GroupReport):
    """Groups with evidence, the clearest verdict first."""

    slug = "groups"
    title = marked("Groups")
    noun = marked("groups")
    says = marked("Engagements judged on what they recorded together.")
    nothing = marked("No group of engagements has enough evidence together.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Group")),
        Column(marked("Of one"), rank=3),
        Column(marked("Engagements"), COUNT, rank=2),
        Column(marked("Verdict")),
        Column(marked("Managed"), CHANCE, rank=2),
    )

    def listed(self) -> list[Row]:
        telling = [
            group
            for group in self.groups
            if group.is_reported and group.verdict != Verdict.NOT_ENOUGH_EVIDENCE
        ]
        ranked = sorted(telling, key=lambda group: -abs(group.acceptability - HALF))
        return [
            Row(
                (
                    group.name,
                    group.basis,
                    len(group.members),
                    translated(ANSWERS[group.verdict]),
                    _share(group.acceptability),
                )
            )
            for group in ranked
        ]


class Patterns(FitReport):
    """What records show beside fit, the newest first; of a team one row."""

    slug = "patterns"
    title = marked("Patterns in the records")
    noun = marked("patterns")
    says = marked(
        "What the records show beside fit, as of last night. A pattern moves no"
        " verdict; it leads to the engagement's page, and there to its records."
    )
    nothing = marked("No pattern shows in the records.")
    also_reads: ClassVar[Sequence[str]] = ("assessments:read",)
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Pattern")),
        Column(marked("Engagement")),
        Column(marked("Engagement id"), on_page=False),
        Column(marked("Vendor"), on_page=False),
        Column(marked("What was seen"), wraps=True),
        Column(marked("Figure"), on_page=False),
        Column(marked("Told from"), on_page=False),
        Column(marked("Records"), COUNT, rank=2),
        Column(marked("Since"), DAY, rank=3),
        Column(marked("Look into first"), on_page=False),
    )

    def listed(self) -> list[Row]:
        placed = {one.engagement: one.assessment for one in self.portfolio.placed}
        found = patterns_within(self.scope.user, placed)
        return [self._row(one, placed[one.row.engagement_id]) for one in found]

    def _row(self, one: ToldPattern, assessment: int) -> Row:
        row, others = one.row, len(one.behind) + one.hidden
        name = row.engagement.title
        if others:
            words = ngettext("%(name)s and one more", "%(name)s and %(n)s more", others)
            name = words % {"name": name, "n": self.scope.notation.count(others)}
        values: tuple[Value, ...] = (
            one.label,
            name,
            str(row.engagement.public_id),
            row.engagement.vendor.legal_name,
            str(capfirst(one.sentence)),
            one.value,
            one.threshold,
            row.records,
            row.seen_since,
            one.advice,
        )
        return Row(values, self.admin_url("tracker_assessment_change", assessment))


class Conversions(FitReport):
    """Predicted saving of conversions against what came of it."""

    slug = "conversions"
    title = marked("What came of conversions")
    noun = marked("conversions")
    unheeded: ClassVar[frozenset[str]] = frozenset({"model", VERDICT, MISSING})
    says = marked(
        "Predicted is the saving a month as last assessed before the successor began;"
        " low and high are the 10th and 90th of a hundred. Realised is what those"
        " before cost a month then, less what all of them cost by the ledger and with"
        " our managers' time, on average of the whole months since. What was converted"
        " together is one line; its saving is claimed for a year, as the list of"
        " savings tells it."
    )
    nothing = marked("No engagement was converted yet.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Now"), wraps=True),
        Column(marked("Before"), rank=3, wraps=True),
        Column(marked("Since"), DAY, rank=2),
        Column(marked("Predicted"), PRICE),
        Column(marked("Low saving"), PRICE, rank=3),
        Column(marked("High saving"), PRICE, rank=3),
        Column(marked("Realised"), PRICE),
        Column(marked("Months told"), COUNT, on_page=False),
        Column(marked("Claimed"), PRICE, on_page=False),
        Column(marked("Realised by now"), PRICE, on_page=False),
        Column(marked("Currency")),
        Column(marked("Why nothing is told"), rank=3, wraps=True),
        Column(marked("Fitted before"), CHANCE, rank=3),
        Column(marked("Fits now"), CHANCE, rank=3),
    )

    def listed(self) -> list[Row]:
        found = conversions(self.scope.user, self.scope.where)
        return [self._row(one) for one in found]

    def _row(self, one: Converted) -> Row:
        outcome = one.outcome
        low, middle, high = outcome.predicted or (None, None, None)
        values = (
            ", ".join(one.after),
            ", ".join(one.before),
            one.since,
            _known_cents(middle),
            _known_cents(low),
            _known_cents(high),
            _known_cents(outcome.realised),
            len(outcome.months) or None,
            _known_cents(one.claimed),
            _known_cents(one.saved),
            outcome.currency,
            _why_hidden(one),
            None if one.fitted_before is None else _share(one.fitted_before),
            None if one.fitted_after is None else _share(one.fitted_after),
        )
        href = self.admin_url("engagements_engagement_change", one.successor)
        return Row(values, href)


def _why_hidden(one: Converted) -> str:
    """Say why nothing is told of what came of it; "" where something is."""
    return {
        None: "",
        Hidden.CURRENCIES: _("They are in different currencies."),
        Hidden.NOT_ASSESSED: _("Not all before were assessed with their money."),
        Hidden.TOO_EARLY: _("Told once three whole months are billed or accrued."),
        Hidden.UNTOLD_ENDS: ngettext(
            "%(n)d more of the vendor ended for the service at the time: say in its end"
            " reason whether it was converted.",
            "%(n)d more of the vendor ended for the service at the time: say in their"
            " end reasons whether they were converted.",
            one.untold,
        )
        % {"n": one.untold},
    }[one.outcome.hidden]


class FactsToRecord(FitReport):
    """What is not recorded, by how far it could still move all verdicts together."""

    slug = "facts-to-record"
    title = marked("What to record next to learn most")
    noun = marked("facts")
    nothing = marked("Every fact is recorded everywhere.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Fact")),
        Column(marked("Code"), on_page=False),
        Column(marked("How to record it"), wraps=True),
        Column(marked("Engagements"), COUNT, rank=2),
        Column(marked("Points it could move"), COUNT, rank=2),
    )

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.portfolio.lessons]

    def _row(self, one: Lesson) -> Row:
        values = (
            translated(one.label),
            one.code,
            translated(one.how_to_record),
            one.engagements,
            round(one.points),
        )
        return Row(values, self.scope.report_url(Verdicts.slug, **{MISSING: one.code}))


def one_of(public_id: UUID) -> dict[str, str]:
    return {"engagement": str(public_id)}


def is_judged(one: Placed) -> bool:
    return one.verdict != Verdict.NOT_ENOUGH_EVIDENCE


def spend_of(one: Placed) -> Decimal:
    """Return a year's spend in cents, so that rows sum to what pages and files say."""
    return _cents(one.worth.yearly_spend) if one.worth else NOTHING


def _place(one: Placed) -> tuple[bool, float, str]:
    """Those with evidence first, and of them what speaks most for the other model."""
    return not is_judged(one), -one.opposition, one.reference


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(HUNDREDTH)


def _known_cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else _cents(amount)


def _share(share: float) -> Decimal:
    return Decimal(repr(share))


def _swatch(mark: Svg) -> Svg:
    attributes: Attributes = {
        "class": "swatch",
        "width": 14,
        "height": 14,
        "viewBox": "0 0 14 14",
        "aria-hidden": "true",
    }
    return element("svg", attributes, mark)
