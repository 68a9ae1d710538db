"""What stands behind a verdict on its page: the line, the ranges and the money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from engagements.values.money import format_money
from tracker.admin.rows_behind import Window, rows_of_fact
from tracker.admin.verdict import percent
from tracker.fit.assumption_words import in_words
from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import interval
from tracker.fit.judgement import Case, Rule
from tracker.fit.models import Assessment
from tracker.fit.reconciling import Reconciled, reconciled
from tracker.fit.services.evaluation import case_of
from tracker.fit.services.policies import rulebook_of
from tracker.fit.verdict import Thresholds

WIDTH, HEIGHT = 600, 150
LEFT, RIGHT, TOP, FLOOR = 40, 12, 10, 122
MOST_MONTHS = 36
RECORDED = {
    "price": gettext_lazy("Price a month, by the ledger"),
    "hours": gettext_lazy("Hours worked a month"),
    "planned_hours": gettext_lazy("Hours a month, as agreed; none are logged"),
    "manager_hours": gettext_lazy("Our managers' hours a month"),
    "manager_hour_cost": gettext_lazy("What an hour of the manager costs"),
    "market_rate": gettext_lazy("What an hour costs us elsewhere"),
    "exit_charge": gettext_lazy("Exit charge"),
}
AMOUNTS = ("price", "market_rate", "exit_charge")


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """The opposition of each month, with the levels at which flags rise and fall."""

    width: int
    height: int
    left: int
    right: int
    path: str
    dots: Sequence[Dot]
    bounds: Sequence[Dot]
    first: str
    last: str
    floor: int


@dataclass(frozen=True)
class Ranged:
    """A figure with its 80 % range, and where the records behind it are listed."""

    label: str
    value: str
    low: str
    high: str
    records: int
    href: str


@dataclass(frozen=True)
class Amounts:
    name: str
    low: str
    middle: str
    high: str


@dataclass(frozen=True)
class Matter:
    meaning: str
    figure: str
    share: str
    at_low: str
    at_high: str


@dataclass(frozen=True)
class MoneyReading:
    months: str
    present_model: str
    rows: Sequence[Amounts]
    break_even: str
    chance: str
    recorded: Sequence[tuple[str, str]]
    own: Sequence[dict[str, Any]]
    assumed: Sequence[dict[str, Any]]
    matters: Sequence[Matter]
    sources: Sequence[tuple[str, str]]
    total: str
    changed_since: str
    billed: str
    unposted: str
    credits: str
    rate: str


def history_of(engagement: Engagement, thresholds: Thresholds) -> Line | None:
    """The line of the last months, or None where there is but one."""
    rows = (
        Assessment.objects.filter(engagement=engagement.pk)
        .order_by("-as_of", "-policy__version")
        .values_list("as_of", "opposition")
    )
    by_day: dict[date, float] = {}
    for day, opposition in rows[: 2 * MOST_MONTHS]:
        by_day.setdefault(day, opposition)
    days = sorted(by_day)
    if len(days) < 2:
        return None
    span = (days[-1] - days[0]).days
    dots = [
        Dot(
            x=round(LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / span, 1),
            y=_height(by_day[day]),
            text=f"{date_format(day, 'j M Y')}: {percent(by_day[day])}",
        )
        for day in days
    ]
    bounds = (
        (thresholds.oppose, _("a flag rises at %(share)s")),
        (thresholds.clear, _("and is cleared below %(share)s")),
    )
    return Line(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        path=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        dots=dots,
        bounds=[
            Dot(LEFT - 6, _height(level), text % {"share": percent(level)})
            for level, text in bounds
        ],
        first=date_format(days[0], "M Y"),
        last=date_format(days[-1], "M Y"),
        floor=FLOOR,
    )


def _height(share: float) -> float:
    return round(FLOOR - (FLOOR - TOP) * share, 1)


def ranges_of(assessment: Assessment, user: User) -> list[Ranged]:
    """The figure of each recorded fact with its range, in the order of the points."""
    case = case_of(assessment)
    criteria = {criterion.code: criterion for criterion in all_criteria()}
    rulebook = rulebook_of(assessment.policy, codes=assessment.evidence.keys())
    read = rulebook.where(is_managed=case.is_managed)
    rules = {rule.code: rule for rule in read.rules}
    return [
        _ranged(criteria[point["code"]], rules[point["code"]], case, assessment, user)
        for point in assessment.points
        if point["code"] in criteria and point["code"] in case.facts
    ]


def read_of(assessment: Assessment) -> str:
    """Which months were read, and by which versions: the same again gives the same."""
    window = window_of(assessment)
    return _(
        "Read from %(first)s to %(last)s, %(months)d months; some facts look further"
        " back. Engine %(engine)s, policy %(policy)d."
    ) % {
        "first": date_format(window.first or window.last, "DATE_FORMAT"),
        "last": date_format(window.last, "DATE_FORMAT"),
        "months": assessment.window_months,
        "engine": assessment.engine_version,
        "policy": assessment.policy.version,
    }


def window_of(assessment: Assessment) -> Window:
    return Window.of(assessment.as_of, assessment.window_months)


def _ranged(
    criterion: AnyCriterion,
    rule: Rule,
    case: Case,
    assessment: Assessment,
    user: User,
) -> Ranged:
    observation = case.facts[criterion.code]
    low, high = interval(observation, case.prior(criterion.code), rule.breakpoints)
    low, high = max(low, criterion.scale.least), min(high, criterion.scale.most)
    show = criterion.unit.show
    return Ranged(
        label=criterion.label,
        value=show(observation.value),
        low=show(low),
        high=show(high),
        records=observation.records,
        href=rows_of_fact(
            criterion, observation, assessment.engagement, window_of(assessment), user
        ),
    )


def money_of(assessment: Assessment, user: User) -> MoneyReading | None:
    """What a switch costs and saves, for those who may see this engagement's money."""
    money = assessment.money
    may_see = Engagement.objects.filter(
        engagement_scope(user, with_money=True), pk=assessment.engagement_id
    )
    if money is None or not may_see.exists():
        return None
    return _Money(assessment, money).reading()


class _Money:
    def __init__(self, assessment: Assessment, money: dict[str, Any]) -> None:
        self.assessment = assessment
        self.money = money
        self.assumed = [in_words(row) for row in money["assumed"]]

    def reading(self) -> MoneyReading:
        money = self.money
        behind = reconciled(self.assessment.engagement, money)
        return MoneyReading(
            months=_("%(first)s to %(last)s, %(months)d months")
            % {
                "first": _month(money["first_month"]),
                "last": _month(money["last_month"]),
                "months": money["months"],
            },
            present_model=self.assessment.get_kind_display(),
            rows=self._rows(),
            break_even=self._break_even(),
            chance=percent(money["chance_to_save"]),
            recorded=[
                (str(RECORDED[row["code"]]), self._figure(row))
                for row in money["recorded"]
            ],
            own=[row for row in self.assumed if row["is_own"]],
            assumed=[row for row in self.assumed if not row["is_own"]],
            matters=self._matters(),
            sources=[(s.name, self._exact(s.amount)) for s in behind.sources],
            total=self._exact(behind.total),
            changed_since=self._unless_nothing(behind.changed_since),
            billed=self._exact(behind.billed) if behind.billed else "",
            unposted=self._unless_nothing(behind.unposted),
            credits=self._credits(behind),
            rate=self._rate(),
        )

    def _rows(self) -> list[Amounts]:
        money = self.money
        rows = [
            self._amounts("present", _("This model, a month")),
            self._amounts("other", _("The other model, a month")),
            self._amounts("saving", _("Saving a month by going over")),
            self._amounts("transition", _("Transition, once")),
            self._amounts(
                "value_in_two_years", _("Worth of going over, within 24 months")
            ),
        ]
        if money["value_in_term"]:
            months = money["remaining_months"]
            name = _("The same within the %(n)d months still committed") % {"n": months}
            rows.append(self._amounts("value_in_term", name))
        return rows

    def _amounts(self, code: str, name: str) -> Amounts:
        found = self.money[code]
        parts = (self._whole(found[part]) for part in ("p10", "p50", "p90"))
        return Amounts(name, *parts)

    def _break_even(self) -> str:
        soon, middle, late = self.money["break_even_months"]
        if soon is None:
            return _("never, in any of the cases told")
        return _("after %(soon)s, %(middle)s or %(late)s months") % {
            "soon": _months(soon),
            "middle": _months(middle),
            "late": _months(late),
        }

    def _figure(self, row: dict[str, str]) -> str:
        if not row["figure"]:
            return _("used, not shown")
        if row["code"] in AMOUNTS:
            return self._exact(Decimal(row["figure"]))
        return row["figure"]

    def _matters(self) -> list[Matter]:
        meanings = {row["code"]: row for row in self.assumed}
        return [
            Matter(
                meaning=meanings[row["code"]]["meaning"],
                figure=meanings[row["code"]]["figure"],
                share=percent(row["share"]),
                at_low=self._whole(row["at_low"]),
                at_high=self._whole(row["at_high"]),
            )
            for row in self.money["matters"]
        ]

    def _credits(self, behind: Reconciled) -> str:
        if not behind.credits_due:
            return ""
        return _("%(received)s of %(due)s") % {
            "received": self._exact(behind.credits_received),
            "due": self._exact(behind.credits_due),
        }

    def _rate(self) -> str:
        money = self.money
        if money["currency"] == money["reporting_currency"]:
            return ""
        rate = Decimal(money["reporting_spent"]) / Decimal(money["spent"])
        told = _("1 %(currency)s = %(rate)s %(reporting)s, by the postings' own days")
        return told % {
            "currency": money["currency"],
            "rate": f"{rate:.4f}",
            "reporting": money["reporting_currency"],
        }

    def _exact(self, amount: Decimal) -> str:
        return format_money(amount, self.money["currency"])

    def _whole(self, amount: str) -> str:
        rounded = Decimal(amount).quantize(Decimal(1))
        return format_money(rounded, self.money["currency"]).removesuffix(".00")

    def _unless_nothing(self, amount: Decimal) -> str:
        return self._exact(amount) if amount else ""


def _months(months: float | None) -> str:
    return _("never") if months is None else f"{months:g}"


def _month(text: str) -> str:
    return date_format(date.fromisoformat(text), "M Y")


def what_if_page(engagement: Engagement) -> str:
    """The page on which the facts of this engagement can be changed."""
    query = urlencode({"engagement": engagement.reference})
    return f"{reverse('tracker:what-if')}?{query}"
