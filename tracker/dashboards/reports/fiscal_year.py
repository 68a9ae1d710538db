from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.values.periods import add_months, month_of
from tracker.dashboards.charts.columns import Frame
from tracker.dashboards.charts.series import Segment, Series
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.charts.year import (
    ACCRUED,
    ACTUAL,
    BUDGET,
    NARROW,
    OVER,
    PREVIOUS,
    TO_COME,
    UNDER,
    WIDE,
    Month,
    year_columns,
)
from tracker.dashboards.report import Column, ColumnKind, Report, Row
from tracker.dashboards.spend_series import Drawing, key_of
from tracker.spend.fiscal_year import (
    FiscalMonths,
    YearMonth,
    fiscal_year_months,
    year_meant,
)
from tracker.spend.uncounted import in_words

MONEY = ColumnKind.MONEY
CHART_ID = "fiscal-year"


class FiscalYear(Report):
    """The fiscal year: spent and to come, beside its budget and the year before."""

    slug = "fiscal-year"
    title = "The fiscal year: spent, to come and budgeted"
    noun = "months"
    unheeded: ClassVar[frozenset[str]] = frozenset({"from"})
    is_wide = True
    columns: ClassVar[Sequence[Column]] = (
        Column("Month", ColumnKind.MONTH),
        Column("Actual", MONEY, is_summed=True, rank=2),
        Column("Accrued", MONEY, is_summed=True, rank=2),
        Column("Still to come", MONEY, is_summed=True, rank=2),
        Column("Forecast", MONEY, is_summed=True),
        Column("Low", MONEY, is_summed=True, on_page=False),
        Column("High", MONEY, is_summed=True, on_page=False),
        Column("Of it committed", MONEY, is_summed=True, rank=2),
        Column("Budget", MONEY, is_summed=True, rank=2),
        Column("Against budget", MONEY, is_summed=True),
        Column("Previous year", MONEY, is_summed=True, rank=2),
        Column("Currency", on_page=False),
    )

    @property
    def months(self) -> Sequence[YearMonth]:
        return self.found.months

    @cached_property
    def found(self) -> FiscalMonths:
        today = timezone.localdate()
        return fiscal_year_months(
            self.scope.user,
            self.scope.where,
            year=year_meant(self.scope.period.last, today=today),
            today=today,
        )

    def rows(self) -> Iterator[Row]:
        return (self._row(month) for month in self.months)

    def row_count(self) -> int:
        return len(self.months)

    def card_rows(self, count: int) -> list[Row]:
        return list(self.rows())

    def note(self) -> str:
        said = _(
            "Months that are over are as booked; this month and those to come add what"
            " is earned and not booked yet, and what is planned. The line shows the"
            " range that past variation gives."
        )
        if self.scope.where.cost_centre_id is not None:
            said += " " + _("Of one cost centre, what is to come is what is committed.")
        if not any(month.budget for month in self.months):
            said += " " + _("No budget is of just this part of the spend.")
        return f"{said} {in_words(self.found.uncounted)}".strip()

    def picture(self) -> Drawing | None:
        if not any(month.expected or month.previous for month in self.months):
            return None
        return Drawing(
            key_of(self._series(), CHART_ID),
            self._drawn(f"{CHART_ID}-wide", WIDE),
            self._drawn(f"{CHART_ID}-narrow", NARROW),
        )

    def _series(self) -> Iterator[Series]:
        """Yield what is drawn anywhere in the year, in the order of the key."""
        shown = {
            ACTUAL: any(month.actual for month in self.months),
            ACCRUED: any(month.accrued for month in self.months),
            TO_COME: any(month.to_come for month in self.months),
            BUDGET: any(month.budget for month in self.months),
            PREVIOUS: any(month.previous for month in self.months),
            OVER: any(_difference(month) > 0 for month in self.months),
        }
        return (series for series, is_shown in shown.items() if is_shown)

    def _row(self, one: YearMonth) -> Row:
        return Row(
            (
                one.month,
                one.actual,
                one.accrued,
                one.to_come,
                one.expected,
                one.low,
                one.high,
                one.committed,
                one.budget,
                None if one.budget is None else one.expected - one.budget,
                one.previous,
                self.scope.notation.currency,
            ),
            self._opens(one),
            hrefs=self._calculations(one),
        )

    def _opens(self, one: YearMonth) -> str:
        scope, asked = self.scope, f"{one.month:%Y-%m}"
        if one.month > month_of(timezone.localdate()):
            return scope.report_url("forecast", **_ANY_MONTH)
        return scope.finance_url(period="", **{"from": asked, "to": asked})

    def _calculations(self, one: YearMonth) -> dict[int, str]:
        """Return where each figure opens, down to the rows it is made of."""
        scope, asked = self.scope, f"{one.month:%Y-%m}"
        before = f"{add_months(one.month, -12):%Y-%m}"
        entries = {"period": "", "from": asked, "to": asked}
        forecast = scope.report_url("forecast", **_ANY_MONTH)
        committed = scope.report_url("commitments", **_ANY_MONTH)
        if scope.where.cost_centre_id is not None:
            forecast = committed = scope.report_url("budgets", **entries)
        opens = {
            "Actual": scope.report_url("ledger-entries", **entries, basis="actual"),
            "Accrued": scope.report_url("ledger-entries", **entries, basis="accrued"),
            "Still to come": forecast,
            "Forecast": forecast if one.to_come else self._opens(one),
            "Of it committed": committed,
            "Budget": scope.report_url("budgets", **entries),
            "Against budget": scope.report_url("budgets", **entries),
            "Previous year": scope.report_url(
                "ledger-entries", **{"period": "", "from": before, "to": before}
            ),
        }
        places = {column.title: place for place, column in enumerate(self.columns)}
        return {places[title]: href for title, href in opens.items()}

    def _drawn(self, chart_id: str, frame: Frame) -> Svg:
        return year_columns(
            [self._month(one) for one in self.months],
            chart_id=chart_id,
            summary=_("%(title)s; the table below has the same figures")
            % {"title": self.title},
            short_amount=self.scope.notation.short,
            frame=frame,
        )

    def _month(self, one: YearMonth) -> Month:
        notation = self.scope.notation
        name = notation.month_name(one.month)

        def segment(series: Series, value: Decimal) -> Segment:
            return Segment(
                series, value, f"{name}\n{series.label}: {notation.money(abs(value))}"
            )

        difference = _difference(one)
        return Month(
            label=notation.month_tick(one.month),
            group=str(one.month.year),
            text=f"{name}: {notation.money(one.expected)}",
            segments=[
                segment(ACTUAL, one.actual),
                segment(ACCRUED, one.accrued),
                segment(TO_COME, one.to_come),
            ],
            previous=segment(PREVIOUS, one.previous),
            budget=None if one.budget is None else segment(BUDGET, one.budget),
            difference=None
            if one.budget is None
            else segment(OVER if difference > 0 else UNDER, difference),
            low=one.low if one.to_come else None,
            high=one.high if one.to_come else None,
            href=self._opens(one),
        )


# What looks ahead has no months to choose, and knows no cost centres.
_ANY_MONTH = {"period": "", "from": "", "to": "", "cost_centre": ""}


def _difference(one: YearMonth) -> Decimal:
    return Decimal(0) if one.budget is None else one.expected - one.budget
