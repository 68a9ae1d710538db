from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.values.periods import month_of
from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.spend.kept import ThenAndNow, month_looked_from, then_and_now

MONEY = ColumnKind.MONEY


class ForecastThen(Report):
    """What was expected of each month before the period began, beside what came.

    Looked from the last month end before the period, or else the first that is kept.
    """

    slug = "forecast-then"
    title = "Forecast then, and what came"
    noun = "months"
    unheeded: ClassVar[frozenset[str]] = POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Month", ColumnKind.MONTH),
        Column("Forecast then", MONEY, is_summed=True),
        Column("Low then", MONEY, is_summed=True, rank=3),
        Column("High then", MONEY, is_summed=True, rank=3),
        Column("Spent by now", MONEY, is_summed=True),
        Column("Against the forecast", MONEY, is_summed=True, rank=2),
        Column("Forecast at the end of", ColumnKind.MONTH, on_page=False),
        Column("Currency", on_page=False),
    )

    @cached_property
    def month(self) -> date | None:
        return month_looked_from(self.scope.user, self.scope.period.first)

    @cached_property
    def read(self) -> list[ThenAndNow]:
        if self.month is None:
            return []
        found = then_and_now(self.scope.user, self.scope.where, self.month)
        return [one for one in found if self.scope.period.holds(one.month)]

    def note(self) -> str:
        if self.month is None:
            return _("Nothing is kept yet: it is at each month's end.")
        return _(
            "As kept at the end of %(month)s, at that day's rates. Spent is as booked,"
            " accrued or billed, also of what nobody foresaw then; it is held against"
            " the forecast of the months that are over."
        ) % {"month": self.scope.notation.month(self.month)}

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def _row(self, one: ThenAndNow) -> Row:
        scope, asked = self.scope, f"{one.month:%Y-%m}"
        is_over = one.month < month_of(timezone.localdate())
        places = {column.title: place for place, column in enumerate(self.columns)}
        looked_from = "" if self.month is None else f"{self.month:%Y-%m}"
        then = {"period": "", "from": looked_from, "to": looked_from}
        spent = {"period": "", "from": asked, "to": asked, **_ANY_POSTING}
        return Row(
            (
                one.month,
                one.expected,
                one.low,
                one.high,
                one.spent,
                one.spent - one.expected if is_over else None,
                self.month,
                scope.notation.currency,
            ),
            hrefs={
                places["Forecast then"]: scope.report_url("kept-outlooks", **then),
                places["Spent by now"]: scope.report_url("ledger-entries", **spent),
            },
        )


# What is expected is of no cost centre, so what was spent is of all.
_ANY_POSTING = {"cost_centre": "", "basis": ""}
