from collections.abc import Sequence
from typing import ClassVar

from django.utils.translation import gettext as _

from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.spend.planned import PlannedPart
from tracker.spend.queries import ServiceSpend, spend_by_service


class SpendByService(Breakdown):
    slug = "services"
    title = "Spend by service"
    noun = "services"
    chart_id = "by-service"
    columns: ClassVar[Sequence[Column]] = (
        Column("Service"),
        Column("Service id", on_page=False),
        *SPEND_COLUMNS,
    )

    def key_planned(self, part: PlannedPart) -> str:
        service = part.engagement.service
        return str(service.public_id) if service else ""

    def read(self) -> list[Entry]:
        found = spend_by_service(self.scope.user, self.scope.where)
        return [self._entry(spend) for spend in found]

    def _entry(self, spend: ServiceSpend) -> Entry:
        if spend.public_id is None:
            name = _("No service named")
            return Entry(labels=(name, ""), name=name, href="", parts=spend.parts)
        service = str(spend.public_id)
        return Entry(
            labels=(spend.name, service),
            name=spend.name,
            href=self.scope.finance_url(service=service),
            parts=spend.parts,
            narrows={"service": service},
        )
