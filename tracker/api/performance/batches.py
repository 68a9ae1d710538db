"""Batches that monitoring tools push: checked line by line, then stored whole."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model

from engagements.models import Engagement, ServiceLevel, User
from tracker.api.errors import Unprocessable
from tracker.performance.models import Downtime, Measurement, Ticket
from tracker.performance.services import (
    Measured,
    record_downtimes,
    record_measurements,
    store_tickets,
)
from tracker.performance.services.measurements import check_downtime, check_measurement

R = TypeVar("R", bound=Model)
Line = Mapping[str, Any]
Errors = dict[str, list[str]]
LATER = ("responded_at", "resolved_at")


def store_measurements(
    *, engagement: Engagement, lines: Sequence[Line], actor: User
) -> list[Measured]:
    levels = _levels(engagement)

    def made(line: Line) -> Measurement:
        level = _level(levels, line["service_level"])
        facts = {
            k: v for k, v in line.items() if k not in ("source_id", "service_level")
        }
        measurement = Measurement(
            service_level=level, source_key=_key(engagement, line), **facts
        )
        measurement.validate_constraints(exclude={"source_key", "engagement"})
        check_measurement(measurement)
        return measurement

    found = _checked("measurements", lines, made)
    return record_measurements(measurements=found, actor=actor)


def store_downtime(
    *, engagement: Engagement, lines: Sequence[Line], actor: User
) -> list[Measured]:
    levels = _levels(engagement)

    def made(line: Line) -> Downtime:
        level = _level(levels, line["service_level"])
        facts = {
            k: v for k, v in line.items() if k not in ("source_id", "service_level")
        }
        downtime = Downtime(
            service_level=level, source_key=_key(engagement, line), **facts
        )
        downtime.validate_constraints(exclude={"source_key", "engagement"})
        check_downtime(level)
        return downtime

    found = _checked("downtime", lines, made)
    return record_downtimes(downtimes=found, actor=actor)


def store_pushed_tickets(
    *, engagement: Engagement, lines: Sequence[Line], actor: User
) -> list[Measured]:
    def made(line: Line) -> Ticket:
        for name in LATER:
            if name in line and line[name] < line["opened_at"]:
                raise ValidationError({name: "It lies before the ticket was opened."})
        facts = {k: v for k, v in line.items() if k != "group"}
        return Ticket(
            engagement_id=engagement.pk, ticket_group=line.get("group", ""), **facts
        )

    found = _checked("tickets", lines, made)
    return store_tickets(tickets=found, actor=actor)


def _levels(engagement: Engagement) -> dict[UUID, ServiceLevel]:
    rows = ServiceLevel.objects.filter(contract=engagement.pk)
    return {level.public_id: level for level in rows.select_related("contract")}


def _level(levels: Mapping[UUID, ServiceLevel], public_id: UUID) -> ServiceLevel:
    if public_id not in levels:
        raise ValidationError(
            {"service_level": "There is no such service level of this engagement."}
        )
    return levels[public_id]


def _key(engagement: Engagement, line: Line) -> str:
    return f"api:{engagement.pk}:{line['source_id']}"


def _checked(noun: str, lines: Sequence[Line], made: Callable[[Line], R]) -> list[R]:
    """Return a record for each line; raises 422 that names every line that is wrong."""
    given = Counter(line["source_id"] for line in lines)
    found: list[R] = []
    wrong: dict[str, Errors] = {}
    for index, line in enumerate(lines):
        if given[line["source_id"]] > 1:
            wrong[str(index)] = {"source_id": ["It stands in this batch twice."]}
            continue
        try:
            found.append(made(line))
        except ValidationError as refusal:
            wrong[str(index)] = _by_name(refusal)
    if wrong:
        raise Unprocessable({noun: wrong})
    return found


def _by_name(refusal: ValidationError) -> Errors:
    if hasattr(refusal, "error_dict"):
        return {
            "non_field_errors" if name == "__all__" else name: messages
            for name, messages in refusal.message_dict.items()
        }
    return {"non_field_errors": list(refusal.messages)}
