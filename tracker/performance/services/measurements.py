"""What was measured, logged by people and read from files."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import MeasuredBy
from engagements.models import Engagement, ManagedContract, ServiceLevel, User
from engagements.services.records import create_record, delete_record
from tracker.performance.calendars import managed_contracts, zone_of
from tracker.performance.models import Downtime, Exclusion, Measurement, Ticket
from tracker.performance.reckoning import MONTHS
from tracker.performance.service_levels import window_of
from tracker.performance.services.results import Measured, measure

TICKET_FACTS = (
    "priority",
    "ticket_group",
    "opened_at",
    "responded_at",
    "resolved_at",
    "response_met",
    "resolution_met",
    "source_line",
    "source_run",
)
# A day as the contract counts it, or a moment of it.
Day = date | datetime
_MEASURED = (
    "period_from",
    "period_to",
    "value",
    "good",
    "total",
    "downtime_minutes",
    "incident",
    "updated_at",
)


def check_measurement(measurement: Measurement) -> None:
    """Raise ValidationError by field unless it is what its level is measured by."""
    level = measurement.service_level
    months = MONTHS[level.window]
    starts = window_of(measurement.period_from, months)
    if starts != window_of(measurement.period_to, months):
        raise ValidationError(
            {"period_to": _("The period lies in two windows; give one for each.")}
        )
    given = {
        MeasuredBy.VALUE: measurement.value,
        MeasuredBy.COUNTS: measurement.total,
        MeasuredBy.DOWNTIME: measurement.downtime_minutes,
        MeasuredBy.TICKETS: None,
    }[MeasuredBy(level.measured_by)]
    if given is None:
        raise ValidationError(
            {
                "service_level": _("%(level)s is measured by: %(measured_by)s.")
                % {
                    "level": level.name,
                    "measured_by": level.get_measured_by_display().lower(),
                }
            }
        )


@transaction.atomic
def record_measurement(*, measurement: Measurement, actor: User | None) -> Measurement:
    """Store what was measured in a period; the windows it lies in are judged anew.

    Raises ValidationError by field.
    """
    contract = measurement.service_level.contract
    measurement.engagement = contract
    measurement.full_clean()
    check_measurement(measurement)
    create_record(record=measurement, engagement=contract, actor=actor)
    measure(
        contract=contract,
        first=measurement.period_from,
        last=measurement.period_to,
        actor=actor,
    )
    return measurement


@transaction.atomic
def record_downtime(*, downtime: Downtime, actor: User | None) -> Downtime:
    """Store an outage; the windows it touches are judged anew.

    Raises ValidationError by field.
    """
    level = downtime.service_level
    downtime.engagement = level.contract
    downtime.full_clean()
    check_downtime(level)
    create_record(record=downtime, engagement=level.contract, actor=actor)
    _measure_span(level.contract, downtime.began_at, downtime.ended_at, actor)
    return downtime


def check_downtime(level: ServiceLevel) -> None:
    if level.measured_by != MeasuredBy.DOWNTIME:
        raise ValidationError(
            {
                "service_level": _("%(level)s is not measured by downtime.")
                % {"level": level.name}
            }
        )


@transaction.atomic
def agree_exclusion(*, exclusion: Exclusion, actor: User | None) -> Exclusion:
    """Store time that doesn't count; the windows it touches are judged anew.

    Raises ValidationError by field.
    """
    exclusion.agreed_by = actor
    contract = _contract_of(exclusion)
    level = exclusion.service_level
    if level is not None and level.contract_id != contract.pk:
        raise ValidationError(
            {"service_level": _("Choose a service level of this engagement.")}
        )
    create_record(
        record=exclusion,
        event_type="exclusion.agreed",
        engagement=contract,
        actor=actor,
    )
    _measure_span(contract, exclusion.starts_at, exclusion.ends_at, actor)
    return exclusion


@transaction.atomic
def drop_exclusion(*, exclusion: Exclusion, actor: User | None) -> None:
    """Let the time count again; the windows it touches are judged anew."""
    contract = _contract_of(exclusion)
    delete_record(
        record=exclusion,
        event_type="exclusion.dropped",
        engagement=contract,
        actor=actor,
    )
    _measure_span(contract, exclusion.starts_at, exclusion.ends_at, actor)


def _contract_of(exclusion: Exclusion) -> ManagedContract:
    found = managed_contracts().filter(pk=exclusion.engagement_id).first()
    if found is None:
        raise ValidationError({"engagement": _("Choose a managed-service contract.")})
    return found


@transaction.atomic
def record_measurements(
    *, measurements: Sequence[Measurement], actor: User | None
) -> list[Measured]:
    """Store measurements, or what changed of known ones; the caller has checked them.

    Each has a source key, by which it is known again. The windows they lie in are
    judged anew.
    """
    for measurement in measurements:
        measurement.engagement_id = measurement.service_level.contract_id
    Measurement.objects.bulk_create(
        measurements,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["source_key"],
        update_fields=_MEASURED,
    )
    days: dict[int, list[Day]] = defaultdict(list)
    for measurement in measurements:
        days[measurement.service_level.contract_id] += [
            measurement.period_from,
            measurement.period_to,
        ]
    return _measure_all(days, "engagement.measurements_recorded", actor)


@transaction.atomic
def record_downtimes(
    *, downtimes: Sequence[Downtime], actor: User | None
) -> list[Measured]:
    """Store outages, or what changed of known ones; as measurements."""
    for downtime in downtimes:
        downtime.engagement_id = downtime.service_level.contract_id
    Downtime.objects.bulk_create(
        downtimes,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["source_key"],
        update_fields=["began_at", "ended_at", "incident", "updated_at"],
    )
    days: dict[int, list[Day]] = defaultdict(list)
    for downtime in downtimes:
        days[downtime.service_level.contract_id] += [
            downtime.began_at,
            downtime.ended_at,
        ]
    return _measure_all(days, "engagement.downtime_recorded", actor)


@transaction.atomic
def store_tickets(*, tickets: Sequence[Ticket], actor: User | None) -> list[Measured]:
    """Store tickets, or what changed of known ones; the caller has checked them.

    A ticket is the same by engagement and number. Windows in which one was opened are
    judged anew.
    """
    Ticket.objects.bulk_create(
        tickets,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["engagement", "source_id"],
        update_fields=TICKET_FACTS,
    )
    days: dict[int, list[Day]] = defaultdict(list)
    for ticket in tickets:
        days[ticket.engagement_id].append(ticket.opened_at)
    return _measure_all(days, "engagement.tickets_recorded", actor)


def _measure_all(
    days: dict[int, list[Day]], event_type: str, actor: User | None
) -> list[Measured]:
    measured = []
    for contract in managed_contracts().filter(pk__in=days).order_by("pk"):
        zone, found = zone_of(contract), days[contract.pk]
        first, last = _local_day(min(found), zone), _local_day(max(found), zone)
        events.record(
            event_type=event_type,
            subject=contract,
            changes={
                "from": [None, first.isoformat()],
                "to": [None, last.isoformat()],
            },
            engagement=contract,
            actor=actor,
        )
        measured.append(measure(contract=contract, first=first, last=last, actor=actor))
    return measured


def _local_day(day: Day, zone: ZoneInfo) -> date:
    return day.astimezone(zone).date() if isinstance(day, datetime) else day


def _measure_span(
    contract: ManagedContract | Engagement,
    start: datetime,
    end: datetime,
    actor: User | None,
) -> None:
    managed = managed_contracts().get(pk=contract.pk)
    zone = zone_of(managed)
    measure(
        contract=managed,
        first=start.astimezone(zone).date(),
        last=end.astimezone(zone).date(),
        actor=actor,
    )
