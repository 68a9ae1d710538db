from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.choices import Kind
from engagements.values.periods import (
    add_months,
    count_months,
    month_of,
    months_between,
)
from tracker.dashboards.charts.columns import (
    NARROW,
    WIDE,
    Frame,
    stacked_columns,
)
from tracker.dashboards.charts.columns import (
    Column as Bar,
)
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.report import Column, ColumnKind, Report, Row, Value
from tracker.dashboards.spend_series import Drawing, key, segments, stack_text
from tracker.spend.queries import MonthSpend, SpendParts

CHART_ID = "by-month"
# Longer periods show only the months between the first and the last with spend.
LONGEST_FILLED = 60


class SpendByMonth(Report):
    slug = "months"
    title = "Spend by month and model"
    noun = "months"
    columns: ClassVar[Sequence[Column]] = (
        Column("Month", ColumnKind.MONTH),
        Column("Managed", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Augmented", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Total", ColumnKind.MONEY, is_summed=True),
        Column("Not yet invoiced", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Change on month before", ColumnKind.MONEY, rank=2),
        Column("Currency", on_page=False),
    )

    @cached_property
    def known(self) -> Mapping[date, SpendParts]:
        """Spend of each month that has any, with the month before the period."""
        return {row.month: row.parts for row in self.scope.overview.months}

    @cached_property
    def months(self) -> list[MonthSpend]:
        """The period's months in order, those without spend included."""
        return [
            MonthSpend(month, self.known.get(month, SpendParts()))
            for month in self._span()
        ]

    @cached_property
    def total(self) -> SpendParts:
        return sum((month.parts for month in self.months), SpendParts())

    @property
    def totals_by_month(self) -> dict[date, Decimal]:
        return {month: parts.total for month, parts in self.known.items()}

    def rows(self) -> Iterator[Row]:
        return (self._row(month) for month in self.months)

    def row_count(self) -> int:
        return len(self.months)

    def card_rows(self, count: int) -> list[Row]:
        return self.newest_rows(count)

    def card_picture(self, count: int) -> Drawing | None:
        return self.drawing(count) if self.months else None

    def newest_rows(self, count: int) -> list[Row]:
        """Return the newest months and, in one row that opens, all before them."""
        rows = list(self.rows())
        if len(rows) <= count:
            return rows
        earlier = sum((month.parts for month in self.months[:-count]), SpendParts())
        name = _("%(n)s earlier months") % {
            "n": self.scope.notation.count(len(rows) - count)
        }
        values = (name, *self._figures(earlier), None, self.scope.notation.currency)
        href = self.scope.report_url(self.slug)
        return [Row(values, href, is_remainder=True), *rows[-count:]]

    def drawing(self, count: int) -> Drawing:
        months = self.months[-count:]
        columns = [self._column(month) for month in months]
        return Drawing(
            key([month.parts for month in months], CHART_ID),
            self._chart(columns, f"{CHART_ID}-wide", WIDE),
            self._chart(columns, f"{CHART_ID}-narrow", NARROW),
        )

    def _span(self) -> Iterator[date]:
        period = self.scope.period
        inside = [month for month in self.known if period.holds(month)]
        if not inside:
            return iter(())
        first, last = min(inside), max(inside)
        if (
            period.first
            and period.last
            and count_months(period.first, period.last) <= LONGEST_FILLED
        ):
            this_month = month_of(timezone.localdate())
            first = period.first
            last = min(period.last, max(last, this_month))
        return months_between(first, last)

    def _row(self, month: MonthSpend) -> Row:
        change = self._change(month)
        values = (
            month.month,
            *self._figures(month.parts),
            change,
            self.scope.notation.currency,
        )
        return Row(values, self._url(month.month), hrefs=self._calculations(month))

    def _calculations(self, month: MonthSpend) -> dict[int, str]:
        """Return where each figure opens: the ledger's rows that it is the sum of."""
        asked = f"{month.month:%Y-%m}"
        narrowed: tuple[dict[str, str], ...] = (
            {"model": Kind.MANAGED.value},
            {"model": Kind.AUGMENTED.value},
            {},
            {"basis": "accrued"},
        )
        return {
            place: self.scope.report_url(
                "ledger-entries", period="", **{"from": asked, "to": asked, **more}
            )
            for place, more in enumerate(narrowed, start=1)
        }

    @staticmethod
    def _figures(parts: SpendParts) -> tuple[Value, ...]:
        return parts.managed, parts.augmented, parts.total, parts.accrued

    def _change(self, month: MonthSpend) -> Decimal | None:
        has_none_before = self.scope.period.first is None
        if has_none_before and month.month == min(self.known):
            return None
        # Part of a month against a whole one says nothing.
        if month.month >= month_of(timezone.localdate()):
            return None
        before = self.known.get(add_months(month.month, -1), SpendParts())
        return month.parts.total - before.total

    def _url(self, month: date) -> str:
        asked = f"{month:%Y-%m}"
        return self.scope.finance_url(period="", **{"from": asked, "to": asked})

    def _chart(self, columns: Sequence[Bar], chart_id: str, frame: Frame) -> Svg:
        return stacked_columns(
            columns,
            chart_id=chart_id,
            summary=_("%(title)s; the table below has the same figures")
            % {"title": self.heading},
            short_amount=self.scope.notation.short,
            frame=frame,
        )

    def _column(self, month: MonthSpend) -> Bar:
        notation = self.scope.notation
        name = notation.month_name(month.month)
        return Bar(
            label=notation.month_tick(month.month),
            group=str(month.month.year),
            text=stack_text(month.parts, name, notation),
            segments=segments(month.parts, name, notation),
            href=self._url(month.month),
        )
