from collections.abc import Sequence
from typing import ClassVar

from engagements.choices import Kind
from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.spend.planned import PlannedPart
from tracker.spend.queries import SpendParts


class SpendByModel(Breakdown):
    slug = "models"
    title = "Spend by model"
    noun = "models"
    chart_id = "by-model"
    columns: ClassVar[Sequence[Column]] = (
        Column("Model"),
        Column("Model code", on_page=False),
        *SPEND_COLUMNS,
    )

    def key_planned(self, part: PlannedPart) -> str:
        return part.engagement.kind

    def read(self) -> list[Entry]:
        period = self.scope.period
        inside = [
            row.parts for row in self.scope.overview.months if period.holds(row.month)
        ]
        whole = sum(inside, SpendParts())
        parts = {
            Kind.MANAGED: SpendParts(
                managed_actual=whole.managed_actual,
                managed_accrued=whole.managed_accrued,
            ),
            Kind.AUGMENTED: SpendParts(
                augmented_actual=whole.augmented_actual,
                augmented_accrued=whole.augmented_accrued,
            ),
        }
        return [
            Entry(
                labels=(str(kind.label), kind.value),
                name=str(kind.label),
                href=self.scope.finance_url(model=kind.value),
                parts=part,
                narrows={"model": kind.value},
            )
            for kind, part in parts.items()
            if part != SpendParts()
        ]
