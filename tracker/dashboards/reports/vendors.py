from collections.abc import Sequence
from typing import ClassVar

from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.spend.planned import PlannedPart


class SpendByVendor(Breakdown):
    slug = "vendors"
    title = "Spend by vendor"
    noun = "vendors"
    chart_id = "by-vendor"
    columns: ClassVar[Sequence[Column]] = (
        Column("Vendor"),
        Column("Vendor id", on_page=False),
        *SPEND_COLUMNS,
    )

    def key_planned(self, part: PlannedPart) -> str:
        return str(part.engagement.vendor.public_id)

    def read(self) -> list[Entry]:
        return [
            Entry(
                labels=(spend.name, str(spend.public_id)),
                name=spend.name,
                href=self.scope.finance_url(vendor=str(spend.public_id)),
                parts=spend.parts,
                narrows={"vendor": str(spend.public_id)},
            )
            for spend in self.scope.overview.vendors
        ]
