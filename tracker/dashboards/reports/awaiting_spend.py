from collections.abc import Iterator, Sequence
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext_noop

from engagements.choices import Kind, Status
from engagements.values.language import translated
from tracker.dashboards.report import (
    MONTHS,
    POSTED,
    Column,
    ColumnKind,
    Report,
    Row,
    Value,
)
from tracker.spend.queries import AwaitedEngagement, engagements_awaiting_spend

PRICED_BY = {
    "month": gettext_noop("month"),
    "day": gettext_noop("day"),
    "hour": gettext_noop("hour"),
}


class AwaitingSpend(Report):
    slug = "awaiting-spend"
    title = "Logged, nothing spent yet"
    noun = "engagements"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Engagement"),
        Column("Reference", rank=2),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=2, wraps=True),
        Column("Model", rank=2),
        Column("Status", rank=2),
        Column("Starts", ColumnKind.DAY, rank=2),
        Column("Fee or rate", ColumnKind.PRICE),
        Column("Currency"),
        Column("Per"),
    )

    def rows(self) -> Iterator[Row]:
        found = engagements_awaiting_spend(
            self.scope.user, self.scope.where, today=timezone.localdate()
        )
        return (self._row(engagement) for engagement in found)

    def _row(self, engagement: AwaitedEngagement) -> Row:
        values: tuple[Value, ...] = (
            engagement.title,
            engagement.reference,
            str(engagement.public_id),
            engagement.vendor,
            str(Kind(engagement.kind).label),
            str(Status(engagement.status).label),
            engagement.starts_on,
            engagement.price,
            engagement.currency,
            translated(PRICED_BY.get(engagement.unit, engagement.unit)),
        )
        href = self.scope.report_url(
            "ledger-entries", engagement=str(engagement.public_id)
        )
        return Row(values, href)
