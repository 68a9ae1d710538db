"""What the portfolio page of fit shows: two axes, a queue, blends, what to record."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, to_locale
from django.utils.translation import gettext_lazy as _

from engagements.choices import Kind
from engagements.models import User
from engagements.permissions import sees_money
from engagements.values.language import translated
from tracker.dashboards.charts.scatter import NARROW, WIDE, Axes, Frame, Mark, scatter
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.notation import FALLBACK_LOCALE, Notation
from tracker.dashboards.pages import Figure, Link
from tracker.dashboards.tables import Cell, Table, TableRow
from tracker.fit.conversions import Converted, conversions
from tracker.fit.explanation import NEARLY_ALL
from tracker.fit.portfolio import Asking, Lesson, Placed, Portfolio, Worth, portfolio_of
from tracker.fit.queries import GroupRow, visible_groups
from tracker.fit.verdict import Answer, Verdict

# A drawing of more marks shows none; the largest spend stands for the rest.
MARKS_SHOWN = 300
ROWS_SHOWN = 25
FACTS_SHOWN = 6
GROUPS_SHOWN = 12
NINETY_NINE = Decimal("0.99")
NOTHING = "\N{EN DASH}"
KINDS = {Kind.MANAGED.value: _("Managed"), Kind.AUGMENTED.value: _("Augmented")}
ANSWERS = {
    Answer.NOT_ENOUGH_EVIDENCE.value: _("Not enough evidence"),
    Answer.OTHER_MODEL_FITS.value: _("Other model fits better"),
    Answer.CURRENT_MODEL_FITS.value: _("Current model fits"),
    Answer.MANAGED_FITS.value: _("Managed service fits"),
    Answer.AUGMENTED_FITS.value: _("Augmented contractors fit"),
    Answer.MIXED.value: _("Mixed"),
    Answer.BLEND.value: _("Blend"),
    Answer.EITHER_FITS.value: _("Either fits"),
}


@dataclass(frozen=True)
class BlendCard:
    """A service, and which of its engagements fit each model by their own evidence."""

    service: str
    managed: Sequence[str]
    augmented: Sequence[str]


@dataclass(frozen=True)
class FitPage:
    title: str
    as_of: str
    figures: Sequence[Figure]
    wide: Svg | None
    narrow: Svg | None
    drawn: str
    table: Table
    queue: Table
    blends: Sequence[BlendCard]
    groups: Table
    outcomes: Table
    lessons: Table
    list_link: Link | None
    export_link: Link | None


def fit_page(user: User) -> FitPage:
    return _Builder(user, portfolio_of(user), visible_groups(user)).page()


class _Builder:
    def __init__(
        self, user: User, portfolio: Portfolio, groups: Sequence[GroupRow]
    ) -> None:
        self.user = user
        self.portfolio = portfolio
        self.groups = groups
        self.notation = Notation(
            settings.REPORTING_CURRENCY, to_locale(get_language() or FALLBACK_LOCALE)
        )

    def page(self) -> FitPage:
        placed = self.portfolio.placed
        drawable = [one for one in placed if one.worth and _is_judged(one)]
        drawn = sorted(drawable, key=_spend, reverse=True)[:MARKS_SHOWN]
        return FitPage(
            title=self._title(),
            as_of=self._as_of(),
            figures=self._figures(),
            wide=self._scatter(drawn, WIDE) if drawn else None,
            narrow=self._scatter(drawn, NARROW) if drawn else None,
            drawn=self._drawn_of(len(drawn), len(placed)),
            table=self._table(sorted(placed, key=_place)[:ROWS_SHOWN]),
            queue=self._queue(self.portfolio.asking[:ROWS_SHOWN]),
            blends=[
                BlendCard(
                    group.name,
                    [name for _id, name in group.managed],
                    [name for _id, name in group.augmented],
                )
                for group in self.groups
                if group.managed
            ],
            groups=self._groups(),
            outcomes=self._outcomes(conversions(self.user)),
            lessons=self._lessons(self.portfolio.lessons[:FACTS_SHOWN]),
            list_link=self._list_link(len(placed)),
            export_link=self._export_link(),
        )

    def _title(self) -> str:
        asking = len(self.portfolio.asking)
        if not self.portfolio.placed:
            return gettext("Nothing has been judged yet")
        if not asking:
            return gettext("No engagement asks for another model")
        return ngettext(
            "%(n)s engagement asks whether another model fits better",
            "%(n)s engagements ask whether another model fits better",
            asking,
        ) % {"n": self.notation.count(asking)}

    def _as_of(self) -> str:
        days = [one.as_of for one in self.portfolio.placed]
        if not days:
            return gettext("The engine judges running engagements every night.")
        return gettext("As of %(day)s · amounts in %(currency)s, without tax") % {
            "day": self.notation.day(max(days)),
            "currency": self.notation.currency,
        }

    def _figures(self) -> list[Figure]:
        placed = self.portfolio.placed
        count = self.notation.count
        other = [p for p in placed if p.verdict == Verdict.OTHER_MODEL_FITS]
        thin = [p for p in placed if p.verdict == Verdict.NOT_ENOUGH_EVIDENCE]
        saving = sum(
            (p.worth.p50 for p in other if p.worth and p.worth.p50 > 0), Decimal(0)
        )
        spend = sum((_spend(p) for p in other), Decimal(0))
        return [
            Figure(
                gettext("Other model fits better"),
                count(len(other)),
                gettext("of %(n)s judged") % {"n": count(len(placed))},
            ),
            Figure(
                gettext("Their spend a year"),
                self.notation.short(spend),
                gettext("by the ledger"),
            ),
            Figure(
                gettext("Where going over saves"),
                self.notation.short(saving),
                gettext("a month in the middle, before the transition"),
            ),
            Figure(
                gettext("Wait for a decision"),
                count(len(self.portfolio.asking)),
                gettext("flags, by deadline below"),
            ),
            Figure(
                gettext("Not enough evidence"),
                count(len(thin)),
                gettext("what to record stands below"),
            ),
        ]

    def _scatter(self, drawn: Sequence[Placed], frame: Frame) -> Svg:
        summary = gettext(
            "Engagements by what speaks for the other model, across, and by the monthly"
            " saving of going over, up"
        )
        axes = Axes(
            across=gettext("Speaks for the other model"),
            up=gettext("Saving a month"),
            share=self.notation.percent,
            amount=self.notation.short,
            bounds=[
                (Decimal("0.3"), gettext("Below: the current model fits")),
                (Decimal("0.7"), gettext("Above: the other model fits better")),
            ],
        )
        marks = [self._mark(one) for one in drawn]
        return scatter(marks, summary=summary, axes=axes, frame=frame)

    def _mark(self, one: Placed) -> Mark:
        worth = one.worth
        up = worth.p50 if worth else Decimal(0)
        share = Decimal(repr(one.opposition))
        text = gettext(
            "%(title)s, %(vendor)s: %(share)s for the other model, %(saving)s a month"
            " by going over, %(spend)s a year"
        ) % {
            "title": one.title,
            "vendor": one.vendor,
            "share": self._share(one.opposition),
            "saving": self.notation.money(up.quantize(Decimal(1))),
            "spend": self.notation.short(_spend(one)),
        }
        return Mark(
            across=share,
            up=up,
            size=_spend(one),
            tone=one.kind,
            is_square=one.kind == Kind.AUGMENTED,
            text=text,
            href=self._page_of(one),
        )

    def _drawn_of(self, drawn: int, placed: int) -> str:
        if drawn == placed:
            return ""
        return gettext(
            "%(drawn)s of %(placed)s are drawn: those with enough evidence and three"
            " months of spend, the largest first."
        ) % {
            "drawn": self.notation.count(drawn),
            "placed": self.notation.count(placed),
        }

    def _table(self, rows: Sequence[Placed]) -> Table:
        heads = (
            (gettext("Engagement"), False, 1),
            (gettext("Model"), False, 2),
            (gettext("Verdict"), False, 1),
            (gettext("For the other"), True, 1),
            (gettext("Recorded"), True, 3),
            (gettext("Spend a year"), True, 2),
            (gettext("Saving a month"), True, 2),
            (gettext("10 to 90 of 100"), True, 3),
            (gettext("Pays in 2 years"), True, 3),
        )
        return Table(
            caption=gettext("Engagements on fit and on money"),
            heads=[Cell(text, number, rank) for text, number, rank in heads],
            rows=[self._row(one) for one in rows],
            totals=[],
            name_gives_way=True,
        )

    def _row(self, one: Placed) -> TableRow:
        worth = one.worth
        return TableRow(
            [
                Cell(one.title, href=self._page_of(one)),
                Cell(str(KINDS[one.kind]), rank=2),
                Cell(str(ANSWERS[one.verdict])),
                Cell(self._share(one.opposition), is_number=True),
                Cell(self._share(one.coverage), is_number=True, rank=3),
                self._amount(_spend(one) if worth else None),
                self._amount(worth.p50 if worth else None),
                Cell(self._range(worth), is_number=True, rank=3),
                Cell(
                    self._share(worth.chance) if worth else NOTHING,
                    is_number=True,
                    rank=3,
                ),
            ]
        )

    def _queue(self, rows: Sequence[Asking]) -> Table:
        heads = (
            (gettext("Engagement"), False, 1),
            (gettext("Fits better"), False, 1),
            (gettext("Strongest reason"), False, 2),
            (gettext("Notice by"), False, 1),
            (gettext("Saving a month"), True, 2),
            (gettext("State"), False, 3),
        )
        return Table(
            caption=gettext("Flags that wait for a decision"),
            heads=[Cell(text, number, rank) for text, number, rank in heads],
            rows=[self._asking(one) for one in rows],
            totals=[],
        )

    def _asking(self, one: Asking) -> TableRow:
        return TableRow(
            [
                Cell(one.title, href=self._admin("tracker_flag_change", one.flag)),
                Cell(str(KINDS[one.leaning])),
                Cell(str(capfirst(one.reason)), rank=2, wraps=True),
                Cell(self._deadline(one), wraps=True),
                self._amount(one.worth.p50 if one.worth else None),
                Cell(one.state, rank=3),
            ]
        )

    def _deadline(self, one: Asking) -> str:
        if one.deadline is None or one.days is None:
            return gettext("no deadline")
        day = self.notation.day(one.deadline)
        if one.days < 0:
            return gettext("%(day)s, passed") % {"day": day}
        return ngettext("%(day)s, in %(n)s day", "%(day)s, in %(n)s days", one.days) % {
            "day": day,
            "n": self.notation.count(one.days),
        }

    def _groups(self) -> Table:
        heads = (
            (gettext("Group"), False, 1),
            (gettext("Of one"), False, 3),
            (gettext("Engagements"), True, 2),
            (gettext("Verdict"), False, 1),
            (gettext("Managed"), True, 2),
        )
        telling = [
            group
            for group in self.groups
            if group.is_reported and group.verdict != Verdict.NOT_ENOUGH_EVIDENCE
        ]
        ranked = sorted(telling, key=lambda g: -abs(g.acceptability - 0.5))
        return Table(
            caption=gettext("Groups judged on what they recorded together"),
            heads=[Cell(text, number, rank) for text, number, rank in heads],
            rows=[
                TableRow(
                    [
                        Cell(group.name),
                        Cell(group.basis, rank=3),
                        Cell(self.notation.count(group.members), True, rank=2),
                        Cell(str(ANSWERS[group.verdict])),
                        Cell(self._share(group.acceptability), True, rank=2),
                    ]
                )
                for group in ranked[:GROUPS_SHOWN]
            ],
            totals=[],
            name_gives_way=True,
        )

    def _outcomes(self, rows: Sequence[Converted]) -> Table:
        heads = (
            (gettext("Now"), False, 1),
            (gettext("Before"), False, 3),
            (gettext("Since"), False, 2),
            (gettext("Predicted saving a month"), True, 1),
            (gettext("10 to 90 of 100"), True, 2),
            (gettext("Realised"), True, 1),
            (gettext("Fitted before"), True, 3),
            (gettext("Fits now"), True, 3),
        )
        return Table(
            caption=gettext("Predicted against realised saving of conversions"),
            heads=[Cell(text, number, rank) for text, number, rank in heads],
            rows=[self._outcome(one) for one in rows[:ROWS_SHOWN]],
            totals=[],
        )

    def _outcome(self, one: Converted) -> TableRow:
        predicted = middle = NOTHING
        if one.predicted is not None:
            low, median, high = (self._in(one.currency, a) for a in one.predicted)
            middle, predicted = median, f"{low} {NOTHING} {high}"
        realised = gettext("not yet")
        if one.realised is not None:
            realised = self._in(one.currency, one.realised)
        page = self._admin("engagements_engagement_change", one.successor)
        return TableRow(
            [
                Cell(one.after, href=page),
                Cell(one.before, rank=3),
                Cell(self.notation.day(one.since), rank=2),
                Cell(middle, is_number=True),
                Cell(predicted, is_number=True, rank=2),
                Cell(realised, is_number=True),
                Cell(self._share_of(one.fitted_before), True, rank=3),
                Cell(self._share_of(one.fitted_after), True, rank=3),
            ]
        )

    def _in(self, currency: str, amount: Decimal) -> str:
        return self.notation.money(amount.quantize(Decimal(1)), currency)

    def _share_of(self, share: float | None) -> str:
        return NOTHING if share is None else self._share(share)

    def _lessons(self, lessons: Sequence[Lesson]) -> Table:
        heads = (
            (gettext("Fact"), False, 1),
            (gettext("How to record it"), False, 1),
            (gettext("Engagements"), True, 2),
            (gettext("Points it could move"), True, 2),
        )
        return Table(
            caption=gettext("Facts that are not recorded, most telling first"),
            heads=[Cell(text, number, rank) for text, number, rank in heads],
            rows=[
                TableRow(
                    [
                        Cell(translated(one.label)),
                        Cell(translated(one.how_to_record), wraps=True),
                        Cell(self.notation.count(one.engagements), True, rank=2),
                        Cell(self.notation.count(round(one.points)), True, rank=2),
                    ]
                )
                for one in lessons
            ],
            totals=[],
        )

    def _export_link(self) -> Link | None:
        if not sees_money(self.user):
            return None
        page = reverse("tracker:report", args=["switches"])
        return Link(gettext("All amounts, as a report and a file"), page)

    def _list_link(self, count: int) -> Link | None:
        href = self._admin("tracker_assessment_changelist")
        if count <= ROWS_SHOWN or not href:
            return None
        return Link(gettext("All assessments"), href)

    def _page_of(self, one: Placed) -> str:
        return self._admin("tracker_assessment_change", one.assessment)

    def _admin(self, name: str, *args: int) -> str:
        return reverse(f"admin:{name}", args=args) if self.user.is_staff else ""

    def _share(self, share: float) -> str:
        """In whole per cent, and never a certainty that rounding alone would claim."""
        if share > NEARLY_ALL:
            return f"> {self.notation.percent(NINETY_NINE)}"
        if share < 1 - NEARLY_ALL:
            return f"< {self.notation.percent(1 - NINETY_NINE)}"
        return self.notation.percent(Decimal(repr(share)))

    def _amount(self, amount: Decimal | None) -> Cell:
        text = NOTHING if amount is None else self.notation.short(amount)
        return Cell(text, is_number=True, rank=2)

    def _range(self, worth: Worth | None) -> str:
        if worth is None:
            return NOTHING
        short = self.notation.short
        return f"{short(worth.p10)} {NOTHING} {short(worth.p90)}"


def _is_judged(one: Placed) -> bool:
    return one.verdict != Verdict.NOT_ENOUGH_EVIDENCE


def _spend(one: Placed) -> Decimal:
    return one.worth.yearly_spend if one.worth else Decimal(0)


def _place(one: Placed) -> tuple[bool, float, str]:
    """Those with evidence first, and of them what speaks most for the other model."""
    return not _is_judged(one), -one.opposition, one.reference
