from collections.abc import Sequence
from typing import ClassVar

from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.spend.queries import spend_by_cost_centre


class SpendByCostCentre(Breakdown):
    slug = "cost-centres"
    title = "Spend by cost centre"
    noun = "cost centres"
    chart_id = "by-cost-centre"
    columns: ClassVar[Sequence[Column]] = (
        Column("Cost centre"),
        Column("Name", rank=2),
        *SPEND_COLUMNS,
    )

    def read(self) -> list[Entry]:
        return [
            Entry(
                labels=(spend.code, spend.name),
                name=f"{spend.code} · {spend.name}",
                href=self.scope.finance_url(cost_centre=spend.code),
                parts=spend.parts,
            )
            for spend in spend_by_cost_centre(self.scope.user, self.scope.where)
        ]
