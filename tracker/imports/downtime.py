"""The kind `downtime`: outages, from when until when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from engagements.choices import MeasuredBy
from engagements.models import ServiceLevel, User
from tracker.imports.kinds import register
from tracker.imports.mapping import Field
from tracker.imports.measurements import parse_figure
from tracker.imports.performance_kinds import PerformanceKind, batches
from tracker.imports.performance_lines import (
    ENGAGEMENT,
    LEVEL,
    NUMBER,
    Cells,
    ContractPlace,
)
from tracker.performance.models import Downtime
from tracker.performance.services import Measured, record_downtimes

FIELDS = (
    ENGAGEMENT,
    LEVEL,
    Field(
        "began",
        "began",
        ("began", "began at", "start", "started", "down from", "from", "outage start"),
        required=True,
    ),
    Field(
        "ended",
        "ended",
        ("ended", "ended at", "end", "restored", "down to", "to", "until"),
    ),
    Field(
        "minutes",
        "minutes",
        ("minutes", "duration", "duration minutes", "downtime minutes"),
        help_text="Where no end is given; 0 reports that there was no outage.",
    ),
    Field("incident", "incident", ("incident", "incident number", "problem")),
    NUMBER,
)
_LONGEST_MINUTES = 366 * 1440


class DowntimeLine(NamedTuple):
    number: int
    level_id: int
    source_key: str
    began_at: datetime
    ended_at: datetime
    incident: str

    @property
    def key(self) -> tuple[int, str]:
        return self.level_id, self.source_key

    @property
    def facts(self) -> tuple[Any, ...]:
        return self[3:]


class Downtimes(PerformanceKind[DowntimeLine]):
    name = "downtime"
    label = "Downtime"
    fields = FIELDS
    date_fields = ("began", "ended")

    def line(
        self, cells: Cells, contract: ContractPlace, latest: datetime
    ) -> DowntimeLine | None:
        level = cells.level(contract, (MeasuredBy.DOWNTIME.value,))
        if cells.is_blank("began"):
            cells.refuse("began", "is blank", "Give the time it began.")
        began = cells.moment("began", contract.zone)
        ended = _end(cells, contract, began)
        if level is None or began is None or ended is None:
            return None
        if ended > latest:
            cells.refuse("ended", "lies in the future", "Correct the time.")
        number = cells.words("number", 100)
        return DowntimeLine(
            cells.line.number,
            level.level_id,
            f"{level.level_id}:{number or began.isoformat()}",
            began,
            ended,
            cells.words("incident", 100),
        )

    def recorded(
        self, lines: Sequence[DowntimeLine]
    ) -> Mapping[tuple[int, str], tuple[Any, ...]]:
        found: dict[tuple[int, str], tuple[Any, ...]] = {}
        for keys in batches(line.source_key for line in lines):
            rows = Downtime.objects.filter(source_key__in=keys).values_list(
                "service_level_id", "source_key", *DowntimeLine._fields[3:]
            )
            found.update({(row[0], str(row[1])): row[2:] for row in rows})
        return found

    def store(
        self, lines: Sequence[DowntimeLine], *, run_id: UUID, actor: User | None
    ) -> list[Measured]:
        levels = ServiceLevel.objects.in_bulk({line.level_id for line in lines})
        return record_downtimes(
            downtimes=[
                Downtime(
                    service_level=levels[line.level_id],
                    source_key=line.source_key,
                    began_at=line.began_at,
                    ended_at=line.ended_at,
                    incident=line.incident,
                )
                for line in lines
            ],
            actor=actor,
        )


def _end(
    cells: Cells, contract: ContractPlace, began: datetime | None
) -> datetime | None:
    if not cells.is_blank("ended"):
        ended = cells.moment("ended", contract.zone)
        if ended is not None and began is not None and ended < began:
            cells.refuse("ended", "is before it began", "Correct one of the two.")
        return ended
    if cells.is_blank("minutes"):
        cells.refuse("ended", "is blank", "Give the end, or the minutes it lasted.")
        return None
    minutes = cells.parse("minutes", parse_figure)
    if minutes is None or began is None:
        return None
    if not 0 <= minutes <= _LONGEST_MINUTES:
        cells.refuse("minutes", "can't be right", "Give 0 minutes to one year.")
        return None
    return began + timedelta(seconds=int(minutes * 60))


register(Downtimes())
