from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engagements.values.language import translated
from engagements.values.periods import month_of
from tracker.dashboards.charts.ranking import NARROW, WIDE, Bar, ranked_bars
from tracker.dashboards.charts.series import Segment, Series, Texture
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.report import (
    PARTS_OF_BUDGETS,
    Column,
    ColumnKind,
    Report,
    Row,
    Value,
)
from tracker.dashboards.spend_series import Drawing, key_of
from tracker.spend.budget_queries import standings_of, uncounted_of
from tracker.spend.budget_standing import Standing, fiscal_year_of

MONEY, SHARE = ColumnKind.MONEY, ColumnKind.SHARE
CHART_ID = "budget-use"
BARS_SHOWN = 12
SPENT = Series("spent", gettext_noop("Spent"), "managed")
COMMITTED = Series("committed", gettext_noop("Committed"), "managed", Texture.HATCH)
LEFT = Series("left", gettext_noop("Remaining"), "rest")
OVER = Series("over", gettext_noop("Over budget"), "over", Texture.DOTS)


class BudgetBurn(Report):
    """What each cost centre has used of its budget; with one of them, by month."""

    slug = "budgets"
    title = "Budgets"
    noun = "lines"
    unheeded: ClassVar[frozenset[str]] = PARTS_OF_BUDGETS | {"from"}
    columns: ClassVar[Sequence[Column]] = (
        Column("Cost centre", in_file=False),
        Column("Cost centre", on_page=False),
        Column("Name", on_page=False),
        Column("Department", on_page=False),
        Column("Fiscal year", ColumnKind.COUNT, on_page=False),
        Column("Month", ColumnKind.MONTH, on_page=False),
        Column("Budget", MONEY, is_summed=True, rank=2),
        Column("Actual", MONEY, is_summed=True, rank=2),
        Column("Accrued", MONEY, is_summed=True, rank=2),
        Column("Committed", MONEY, is_summed=True, rank=2),
        Column("Remaining", MONEY, is_summed=True),
        Column("Used", SHARE),
        Column("Budget to date", MONEY, is_summed=True, on_page=False),
        Column("Spent to date", MONEY, is_summed=True, rank=2),
        Column("Used to date", SHARE, rank=2),
        Column("Budget of the month", MONEY, is_summed=True, on_page=False),
        Column("Spent in the month", MONEY, is_summed=True, on_page=False),
        Column("Currency", on_page=False),
    )

    @cached_property
    def until(self) -> date:
        """The month that “to date” means: the period's last, but none to come."""
        this_month = month_of(timezone.localdate())
        return min(self.scope.period.last or this_month, this_month)

    @property
    def year(self) -> int:
        return fiscal_year_of(self.until)

    @cached_property
    def found(self) -> list[Standing]:
        where = self.scope.where
        return standings_of(
            self.scope.user,
            self.year,
            department_ids=where.department_ids,
            cost_centre_id=where.cost_centre_id,
        )

    @property
    def is_by_month(self) -> bool:
        return self.scope.where.cost_centre_id is not None

    def rows(self) -> Iterator[Row]:
        for standing in self.found:
            if self.is_by_month:
                yield from (self._month(standing, each) for each in standing.months)
            else:
                yield self._centre(standing)

    def row_count(self) -> int:
        return len(self.found) * (12 if self.is_by_month else 1)

    def note(self) -> str:
        if not self.found:
            return ""
        notation, months = self.scope.notation, self.found[0].months
        said = _("Fiscal year %(first)s to %(last)s; to date until %(until)s") % {
            "first": notation.month(months[0]),
            "last": notation.month(months[-1]),
            "until": notation.month(self.until),
        }
        left_out = uncounted_of(self.scope.user, self.found)
        return f"{said}. {left_out}" if left_out else said

    def picture(self) -> Drawing | None:
        if not self.found or self.is_by_month:
            return None
        return Drawing(
            key_of((SPENT, COMMITTED, LEFT, OVER), CHART_ID),
            self._bars(f"{CHART_ID}-wide", WIDE * 2),
            self._bars(f"{CHART_ID}-narrow", NARROW),
        )

    def _centre(self, standing: Standing) -> Row:
        href = self.scope.report_url(
            self.slug, cost_centre=standing.budget.cost_centre.code
        )
        return Row(self._values(standing, None), href)

    def _month(self, standing: Standing, month: date) -> Row:
        """Return one month, which opens in the ledger."""
        asked = f"{month:%Y-%m}"
        href = ""
        if standing.used[month].spent:
            href = self.scope.report_url(
                "ledger-entries", period="", **{"from": asked, "to": asked}
            )
        return Row(self._values(standing, month), href)

    def _values(self, standing: Standing, month: date | None) -> tuple[Value, ...]:
        centre = standing.budget.cost_centre
        name = self.scope.notation.month(month) if month else str(centre)
        used = standing.used[month] if month else standing.used_until()
        budgeted = (
            standing.amounts.get(month, Decimal(0)) if month else standing.budgeted()
        )
        until = month or self.until
        to_date, spent = standing.budgeted(until), standing.used_until(until).spent
        return (
            name,
            centre.code,
            centre.name,
            centre.department.name if centre.department else "",
            standing.budget.year,
            month,
            budgeted,
            used.actual,
            used.accrued,
            used.committed,
            budgeted - used.total,
            _share(used.total, budgeted),
            to_date,
            spent,
            _share(spent, to_date),
            standing.amounts.get(until, Decimal(0)),
            standing.used[until].spent,
            self.scope.notation.currency,
        )

    def _bars(self, chart_id: str, width: int) -> Svg:
        most_used = sorted(
            self.found,
            key=lambda one: one.used_until().total - one.budgeted(),
            reverse=True,
        )
        return ranked_bars(
            [self._bar(standing) for standing in most_used[:BARS_SHOWN]],
            chart_id=chart_id,
            summary=_("Budgets and what is used; the table below has the same figures"),
            width=width,
        )

    def _bar(self, standing: Standing) -> Bar:
        notation, used = self.scope.notation, standing.used_until()
        budgeted, name = standing.budgeted(), str(standing.budget.cost_centre)
        spent = min(used.spent, budgeted)
        committed = min(used.committed, max(budgeted - spent, Decimal(0)))
        left = budgeted - used.total
        parts = (
            (SPENT, spent),
            (COMMITTED, committed),
            (LEFT, max(left, Decimal(0))),
            (OVER, max(-left, Decimal(0))),
        )
        percent = _share(used.total, budgeted)
        written = "" if percent is None else notation.percent(percent)
        return Bar(
            name=name,
            text=_("%(name)s: %(used)s of %(budget)s used")
            % {
                "name": name,
                "used": notation.money(used.total),
                "budget": notation.money(budgeted),
            },
            value_text=written,
            segments=[
                Segment(
                    series,
                    value,
                    f"{name}\n{translated(series.label)}: {notation.money(value)}",
                )
                for series, value in parts
            ],
            href=self.scope.report_url(
                self.slug, cost_centre=standing.budget.cost_centre.code
            ),
        )


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return part / whole if whole > 0 else None
