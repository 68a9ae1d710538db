from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.utils import timezone

from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Report, Row
from tracker.spend.outlook import CommittedCurrency, committed_by_currency


class CommittedCurrencies(Report):
    """The non-cancellable commitment: one number by currency, and one in all."""

    slug = "committed-currencies"
    title = "Commitments by currency"
    noun = "currencies"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Currency"),
        Column("Engagements", ColumnKind.COUNT, is_summed=True),
        Column("Without a known end", ColumnKind.COUNT, is_summed=True, rank=2),
        Column("In that currency", ColumnKind.PRICE),
        Column("Committed", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def read(self) -> list[CommittedCurrency]:
        scope = self.scope
        return committed_by_currency(
            scope.user, scope.where, today=timezone.localdate()
        )

    def rows(self) -> Iterator[Row]:
        for one in self.read:
            yield Row(
                (
                    one.currency,
                    one.engagements,
                    one.open_ended,
                    one.amount,
                    one.reporting_amount,
                    self.scope.notation.currency,
                )
            )
