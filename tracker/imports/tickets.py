"""The kind `tickets`: what a service desk exports, without a word about people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from engagements.models import User
from tracker.imports.kinds import register
from tracker.imports.mapping import Field
from tracker.imports.moments import parse_yes_no
from tracker.imports.performance_kinds import PerformanceKind, batches, by_contract
from tracker.imports.performance_lines import ENGAGEMENT, Cells, ContractPlace
from tracker.performance.models import Ticket
from tracker.performance.services import Measured, store_tickets

FIELDS = (
    ENGAGEMENT,
    Field(
        "number",
        "ticket number",
        ("number", "ticket number", "ticket id", "ticket", "id", "case number", "key"),
        required=True,
    ),
    Field(
        "opened",
        "opened",
        ("opened", "opened at", "created", "created at", "created on", "reported"),
        required=True,
    ),
    Field(
        "responded",
        "first response",
        ("first response", "responded", "responded at", "first reply", "response at"),
    ),
    Field(
        "resolved",
        "resolved",
        ("resolved", "resolved at", "solved", "solved at", "closed", "closed at"),
    ),
    Field("priority", "priority", ("priority", "severity", "urgency")),
    Field(
        "ticket_group",
        "group",
        ("group", "assignment group", "team", "queue", "category"),
    ),
    Field(
        "response_met",
        "answered in time",
        ("response sla met", "response met", "first response met", "response sla"),
    ),
    Field(
        "resolution_met",
        "solved in time",
        (
            "resolution sla met",
            "resolution met",
            "sla met",
            "made sla",
            "resolution sla",
            "sla status",
        ),
    ),
)


class TicketLine(NamedTuple):
    number: int
    contract_id: int
    source_id: str
    priority: str
    ticket_group: str
    opened_at: datetime
    responded_at: datetime | None
    resolved_at: datetime | None
    response_met: bool | None
    resolution_met: bool | None

    @property
    def key(self) -> tuple[int, str]:
        return self.contract_id, self.source_id

    @property
    def facts(self) -> tuple[Any, ...]:
        return self[3:]


class Tickets(PerformanceKind[TicketLine]):
    name = "tickets"
    label = "Tickets of a service desk"
    fields = FIELDS
    date_fields = ("opened", "responded", "resolved")

    def line(
        self, cells: Cells, contract: ContractPlace, latest: datetime
    ) -> TicketLine | None:
        source_id = cells.words("number", 100)
        if not source_id:
            cells.refuse("number", "is blank", "Give the ticket's number.")
        if cells.is_blank("opened"):
            cells.refuse("opened", "is blank", "Give the time it was opened.")
        opened = cells.moment("opened", contract.zone)
        responded = _after("responded", opened, cells, contract)
        resolved = _after("resolved", opened, cells, contract)
        _check_past(
            cells, latest, opened=opened, responded=responded, resolved=resolved
        )
        line = (
            cells.words("priority", 40),
            cells.words("ticket_group", 100),
        )
        met = (
            cells.parse("response_met", parse_yes_no),
            cells.parse("resolution_met", parse_yes_no),
        )
        if opened is None:
            return None
        return TicketLine(
            cells.line.number,
            contract.contract_id,
            source_id,
            *line,
            opened,
            responded,
            resolved,
            *met,
        )

    def recorded(
        self, lines: Sequence[TicketLine]
    ) -> Mapping[tuple[int, str], tuple[Any, ...]]:
        found: dict[tuple[int, str], tuple[Any, ...]] = {}
        for contract, group in by_contract(lines, lambda one: one.contract_id).items():
            for numbers in batches(line.source_id for line in group):
                rows = Ticket.objects.filter(
                    engagement=contract, source_id__in=numbers
                ).values_list("source_id", *TicketLine._fields[3:])
                found.update({(contract, row[0]): row[1:] for row in rows.iterator()})
        return found

    def store(
        self, lines: Sequence[TicketLine], *, run_id: UUID, actor: User | None
    ) -> list[Measured]:
        return store_tickets(
            tickets=[
                Ticket(
                    engagement_id=line.contract_id,
                    source_id=line.source_id,
                    priority=line.priority,
                    ticket_group=line.ticket_group,
                    opened_at=line.opened_at,
                    responded_at=line.responded_at,
                    resolved_at=line.resolved_at,
                    response_met=line.response_met,
                    resolution_met=line.resolution_met,
                    source_line=line.number,
                    source_run=run_id,
                )
                for line in lines
            ],
            actor=actor,
        )


def _after(
    name: str, opened: datetime | None, cells: Cells, contract: ContractPlace
) -> datetime | None:
    moment = cells.moment(name, contract.zone)
    if moment is not None and opened is not None and moment < opened:
        cells.refuse(name, "is before the ticket was opened", "Correct one of the two.")
    return moment


def _check_past(cells: Cells, latest: datetime, **moments: datetime | None) -> None:
    for name, moment in moments.items():
        if moment is not None and moment > latest:
            cells.refuse(name, "lies in the future", "Correct the time.")


register(Tickets())
