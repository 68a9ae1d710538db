from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from engagements.choices import Kind
from tracker.dashboards.report import Column, ColumnKind, Report, Row, Value, share
from tracker.spend.queries import (
    EngagementSpend,
    SpendTotal,
    spend_by_engagement,
    spend_total,
)


class SpendByEngagement(Report):
    slug = "engagements"
    title = "Spend by engagement"
    noun = "engagements"
    columns: ClassVar[Sequence[Column]] = (
        Column("Reference"),
        Column("Engagement"),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=2),
        Column("Model", rank=2),
        Column("Total", ColumnKind.MONEY, is_summed=True),
        Column("Not yet invoiced", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Share", ColumnKind.SHARE, is_summed=True, rank=2),
        Column("Currency", on_page=False),
    )

    def rows(self) -> Iterator[Row]:
        found = spend_by_engagement(self.scope.user, self.scope.where)
        return (self._row(spend) for spend in found)

    def window(self, start: int, limit: int) -> list[Row]:
        scope = self.scope
        found = spend_by_engagement(scope.user, scope.where, start=start, limit=limit)
        return [self._row(spend) for spend in found]

    def row_count(self) -> int:
        return self.whole.engagements

    def totals(self) -> list[Decimal | None]:
        total = self.whole.parts.total
        figures = {
            "Total": total,
            "Not yet invoiced": self.whole.parts.accrued,
            "Share": Decimal(total > 0),
        }
        return [figures.get(column.title) for column in self.columns]

    @cached_property
    def whole(self) -> SpendTotal:
        return spend_total(self.scope.user, self.scope.where)

    def _row(self, spend: EngagementSpend) -> Row:
        values: tuple[Value, ...] = (
            spend.reference,
            spend.title,
            str(spend.public_id),
            spend.vendor,
            str(Kind(spend.kind).label),
            spend.parts.total,
            spend.parts.accrued,
            share(spend.parts.total, self.whole.parts.total),
            self.scope.notation.currency,
        )
        href = self.scope.report_url("ledger-entries", engagement=str(spend.public_id))
        return Row(values, href)
