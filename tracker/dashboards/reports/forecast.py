from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.utils import timezone

from tracker.dashboards.as_of import as_of_choices
from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Report, Row
from tracker.spend.outlook import YearForecast, forecast_months
from tracker.spend.uncounted import in_words


class ForecastByMonth(Report):
    """The fiscal year: invoiced, accrued, planned, with a range from the past."""

    slug = "forecast"
    title = "Forecast of the fiscal year"
    noun = "months"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Month", ColumnKind.MONTH),
        Column("Invoiced or paid", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Accrued", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Planned", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Expected", ColumnKind.MONEY, is_summed=True),
        Column("Low", ColumnKind.MONEY, is_summed=True, rank=3),
        Column("High", ColumnKind.MONEY, is_summed=True, rank=3),
        Column("Currency", on_page=False),
    )

    @cached_property
    def read(self) -> YearForecast:
        scope = self.scope
        return forecast_months(scope.user, scope.where, today=timezone.localdate())

    def choices(self) -> list[tuple[str, str, bool]]:
        return as_of_choices(self.scope, self.slug, "forecast-then")

    def note(self) -> str:
        return in_words(self.read.uncounted)

    def rows(self) -> Iterator[Row]:
        for one in self.read.months:
            yield Row(
                (
                    one.month,
                    one.actual,
                    one.accrued,
                    one.planned,
                    one.expected,
                    one.low,
                    one.high,
                    self.scope.notation.currency,
                )
            )
