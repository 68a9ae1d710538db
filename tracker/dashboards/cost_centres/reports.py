"""Tables of budgets: each yields the page's table, its CSV and its XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from engagements.permissions import sees_all
from engagements.values.periods import add_months, month_of
from tracker.dashboards.charts.burn import NARROW, WIDE, Point, burn_lines
from tracker.dashboards.charts.columns import Frame
from tracker.dashboards.charts.svg import Attributes, Svg, element
from tracker.dashboards.report import (
    PARTS_OF_BUDGETS,
    Column,
    ColumnKind,
    Row,
    Value,
    share,
)
from tracker.dashboards.spend_series import Drawing, KeyEntry
from tracker.dashboards.topics.report import TopicReport
from tracker.dashboards.topics.scope import TopicScope
from tracker.spend.budget_queries import uncounted_of
from tracker.spend.budget_standing import Standing, fiscal_months, fiscal_year_of
from tracker.spend.budget_tree import (
    Burn,
    Node,
    PaidEngagement,
    burn_of,
    children,
    month_burn,
    paid_engagements,
    year_standings,
)

MONEY, SHARE = ColumnKind.MONEY, ColumnKind.SHARE
NOTHING = Decimal(0)
SWATCH: Attributes = {
    "class": "swatch",
    "width": 22,
    "viewBox": "0 0 22 14",
    "height": 14,
    "aria-hidden": "true",
}


@dataclass(frozen=True)
class Year:
    """The fiscal year asked for: that of the period's last month, or of today.

    `until` is what “to date” means: the last month asked for, but none to come.
    """

    scope: TopicScope
    until: date
    year: int

    @classmethod
    def of(cls, scope: TopicScope) -> Year:
        this_month = month_of(timezone.localdate())
        until = min(scope.period.last or this_month, this_month)
        return cls(scope, until, fiscal_year_of(until))

    @property
    def months(self) -> list[date]:
        return fiscal_months(self.year)

    def text(self) -> str:
        """Return such as “Fiscal year Apr 2026 to Mar 2027, to date until Nov 2026”."""
        notation = self.scope.notation
        return _("Fiscal year %(first)s to %(last)s, to date until %(until)s") % {
            "first": notation.month(self.months[0]),
            "last": notation.month(self.months[-1]),
            "until": notation.month(self.until),
        }


class BudgetReport(TopicReport):
    """What is read once for all tables of a page."""

    slug = ""

    @cached_property
    def year(self) -> Year:
        return Year.of(self.topic)

    @cached_property
    def standings(self) -> list[Standing]:
        where = self.scope.where
        return year_standings(
            self.scope.user,
            self.year.year,
            department_ids=where.department_ids,
            cost_centre_id=where.cost_centre_id,
        )

    @cached_property
    def whole(self) -> Burn:
        return burn_of(self.standings, self.year.until)

    def note(self) -> str:
        said = f"{self.year.text()}. {super().note()}".strip()
        return f"{said} {self.left_out}".strip()

    @cached_property
    def left_out(self) -> str:
        return uncounted_of(self.scope.user, self.standings)

    def entries_url(self, **changes: str) -> str:
        """Return the postings; "" where they would be others than those summed here.

        The finance pages take a department for that of the engagement, here it is the
        cost centre's. So postings open from one cost centre, or from all.
        """
        is_one = self.scope.where.cost_centre_id is not None
        is_all = sees_all(self.scope.user) and not self.topic.department_code
        if not (is_one or is_all):
            return ""
        return self.scope.report_url("ledger-entries", department="", **changes)


BURN_COLUMNS = (
    Column(marked("Budget"), MONEY, is_summed=True, rank=2),
    Column(marked("Budget to date"), MONEY, is_summed=True, rank=3),
    Column(marked("Spent to date"), MONEY, is_summed=True, rank=2),
    Column(marked("Used to date"), SHARE),
    Column(marked("Actual"), MONEY, is_summed=True, on_page=False),
    Column(marked("Accrued"), MONEY, is_summed=True, on_page=False),
    Column(marked("Still planned"), MONEY, is_summed=True, rank=3),
    Column(marked("Forecast"), MONEY, is_summed=True, rank=2),
    Column(marked("Left"), MONEY, is_summed=True),
    Column(marked("Currency"), on_page=False),
)


def burn_values(
    burn: Burn, currency: str, *, has_budget: bool = True
) -> tuple[Value, ...]:
    return (
        burn.budget if has_budget else None,
        burn.budget_to_date if has_budget else None,
        burn.spent_to_date,
        share(burn.spent_to_date, burn.budget_to_date),
        burn.used.actual,
        burn.used.accrued,
        burn.used.committed,
        burn.forecast,
        burn.left,
        currency,
    )


class CostCentreBurn(BudgetReport):
    """What stands directly below what is asked for; opens the next level down."""

    slug = "burn"
    title = marked("Budgets and what they will come to")
    noun = marked("cost centres and departments")
    unheeded: ClassVar[frozenset[str]] = PARTS_OF_BUDGETS | {"from"}
    says = marked(
        "The forecast is what is posted, and what active engagements are still planned"
        " to cost until the year ends. Below zero, it goes over the budget."
    )
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Department or cost centre")),
        Column(marked("Code"), on_page=False),
        Column(marked("Cost centres"), ColumnKind.COUNT, is_summed=True, rank=3),
        *BURN_COLUMNS,
    )

    @cached_property
    def nodes(self) -> list[Node]:
        code = self.topic.department_code
        found = children(self.scope.user, self.standings, of=code)
        return sorted(found, key=lambda one: (one.burn(self.year.until).left, one.code))

    def listed(self) -> list[Row]:
        return [self._row(node) for node in self.nodes]

    def _row(self, node: Node) -> Row:
        values = (
            node.name,
            node.code,
            len(node.standings),
            *burn_values(
                node.burn(self.year.until),
                self.scope.notation.currency,
                has_budget=node.has_budget,
            ),
        )
        return Row(values, self._opens(node))

    def _opens(self, node: Node) -> str:
        if node.department is not None:
            return self.topic.page_url(department=node.code)
        return self.topic.page_url(cost_centre=node.code)


class BurnByMonth(BudgetReport):
    """Budget and use of each month of the year; opens the postings of one."""

    slug = "burn-months"
    title = marked("Burn by month")
    noun = marked("months")
    unheeded: ClassVar[frozenset[str]] = PARTS_OF_BUDGETS | {"from"}
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Month"), ColumnKind.MONTH),
        Column(marked("Budget"), MONEY, is_summed=True, rank=2),
        Column(marked("Actual"), MONEY, is_summed=True, rank=3),
        Column(marked("Accrued"), MONEY, is_summed=True, rank=3),
        Column(marked("Still planned"), MONEY, is_summed=True, rank=2),
        Column(marked("Forecast"), MONEY, is_summed=True),
        Column(marked("Left of the month"), MONEY, is_summed=True, rank=2),
        Column(marked("Budget so far"), MONEY, on_page=False),
        Column(marked("Forecast so far"), MONEY, on_page=False),
        Column(marked("Left so far"), MONEY, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def months(self) -> list[tuple[date, Burn, Burn]]:
        """Each month with its own figures and the sums since the year began."""
        found, so_far = [], Burn()
        for month in self.year.months:
            burn = month_burn(self.standings, month)
            so_far += burn
            found.append((month, burn, so_far))
        return found

    def listed(self) -> list[Row]:
        if not self.standings:
            return []
        return [
            Row(
                (
                    month,
                    burn.budget,
                    burn.used.actual,
                    burn.used.accrued,
                    burn.used.committed,
                    burn.forecast,
                    burn.left,
                    so_far.budget,
                    so_far.forecast,
                    so_far.left,
                    self.scope.notation.currency,
                ),
                self._opens(month, burn),
            )
            for month, burn, so_far in self.months
        ]

    def _opens(self, month: date, burn: Burn) -> str:
        if not burn.used.spent:
            return ""
        asked = {"period": "", "from": f"{month:%Y-%m}", "to": f"{month:%Y-%m}"}
        return self.entries_url(**asked)

    def picture(self) -> Drawing | None:
        if not self.standings:
            return None
        return Drawing(list(_key()), self._drawn(WIDE), self._drawn(NARROW))

    def _drawn(self, frame: Frame) -> Svg:
        notation = self.scope.notation
        return burn_lines(
            [self._point(*each) for each in self.months],
            summary=_("Budget and use since the year began, by month, as in the table"),
            short_amount=notation.short,
            frame=frame,
        )

    def _point(self, month: date, burn: Burn, so_far: Burn) -> Point:
        notation = self.scope.notation
        return Point(
            label=notation.month_tick(month),
            text=_("%(month)s: %(used)s of %(budget)s since the year began")
            % {
                "month": notation.month_name(month),
                "used": notation.money(so_far.forecast),
                "budget": notation.money(so_far.budget),
            },
            budget=so_far.budget,
            used=so_far.forecast,
            is_forecast=month >= add_months(self.year.until, 1)
            or month == month_of(timezone.localdate()),
            href=self._opens(month, burn),
        )


def _key() -> Iterator[KeyEntry]:
    for kind, title in (
        ("burn-budget", _("Budget")),
        ("burn-used", _("Posted")),
        ("burn-forecast", _("Forecast")),
    ):
        line = element("line", {"x1": 0, "x2": 22, "y1": 7, "y2": 7, "class": kind})
        yield KeyEntry(element("svg", SWATCH, line), title)


class CostCentrePayments(BudgetReport):
    """What the cost centres paid in the year, by engagement; opens the postings."""

    slug = "paid-engagements"
    title = marked("Engagements paid")
    noun = marked("engagements")
    unheeded: ClassVar[frozenset[str]] = PARTS_OF_BUDGETS | {"from"}
    nothing = marked("Nothing is booked in this fiscal year yet.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=2),
        Column(marked("Spent in the year"), MONEY, is_summed=True),
        Column(marked("Share"), SHARE, is_summed=True, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def paid(self) -> list[PaidEngagement]:
        centres = {one.budget.cost_centre_id for one in self.standings}
        return paid_engagements(self.scope.user, self.year.year, centres)

    def listed(self) -> list[Row]:
        whole = self.whole.used.spent
        rows = [self._row(one, whole) for one in self.paid]
        unseen = whole - sum((one.spent for one in self.paid), NOTHING)
        if unseen:
            rows.append(self._unseen(unseen, whole))
        return rows

    def _row(self, one: PaidEngagement, whole: Decimal) -> Row:
        months = self.year.months
        href = self.entries_url(
            engagement=one.public_id,
            period="",
            **{"from": f"{months[0]:%Y-%m}", "to": f"{months[-1]:%Y-%m}"},
        )
        values = (
            one.title,
            one.reference,
            one.vendor,
            one.spent,
            share(one.spent, whole),
            self.scope.notation.currency,
        )
        return Row(values, href)

    def _unseen(self, amount: Decimal, whole: Decimal) -> Row:
        """Return what others' engagements cost: told in sum, as the budget shows it."""
        name = _("Engagements of others")
        currency = self.scope.notation.currency
        values = (name, "", "", amount, share(amount, whole), currency)
        return Row(values, is_remainder=True)
