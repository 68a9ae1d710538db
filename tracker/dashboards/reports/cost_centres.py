from collections.abc import Sequence
from typing import ClassVar

from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.dashboards.scope import COMPARISONS
from tracker.spend.planned import BudgetPart, PlannedPart
from tracker.spend.queries import CostCentreSpend


class SpendByCostCentre(Breakdown):
    slug = "cost-centres"
    title = "Spend by cost centre"
    noun = "cost centres"
    chart_id = "by-cost-centre"
    columns: ClassVar[Sequence[Column]] = (
        Column("Cost centre", in_file=False),
        Column("Cost centre", on_page=False),
        Column("Name", on_page=False),
        *SPEND_COLUMNS,
    )

    @property
    def offered(self) -> Sequence[str]:
        if self.scope.where.is_narrower_than_budgets:
            return super().offered
        return COMPARISONS

    def key_planned(self, part: PlannedPart) -> str:
        return part.cost_centre

    def key_budgeted(self, part: BudgetPart) -> str:
        return part.cost_centre

    def read(self) -> list[Entry]:
        return [
            Entry(
                labels=(_name(spend), spend.code, spend.name),
                name=_name(spend),
                href=self.scope.finance_url(cost_centre=spend.code),
                parts=spend.parts,
                narrows={"cost_centre": spend.code},
            )
            for spend in self.scope.overview.cost_centres
        ]


def _name(spend: CostCentreSpend) -> str:
    return f"{spend.code} · {spend.name}"
