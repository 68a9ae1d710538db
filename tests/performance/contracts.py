"""A contract with a service level, as tests of performance want it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engagements.choices import Direction, MeasuredBy, Metric
from engagements.models import ManagedContract, ServiceLevel, User
from engagements.services.records import create_record
from engagements.values.periods import last_day_of_month
from tests.factories import make_contract
from tracker.performance.models import LevelResult, Measurement
from tracker.performance.services import record_measurement

LONDON = ZoneInfo("Europe/London")
D = Decimal


def local(text: str, zone: ZoneInfo = LONDON) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def contract_with(
    *levels: dict[str, Any], **fields: Any
) -> tuple[ManagedContract, list[ServiceLevel]]:
    values: dict[str, Any] = {
        "starts_on": date(2024, 1, 1),
        "time_zone": "Europe/London",
    } | fields
    contract = make_contract(**values)
    return contract, [add_level(contract, **level) for level in levels]


def add_level(contract: ManagedContract, **fields: Any) -> ServiceLevel:
    values = {
        "name": f"Level {contract.service_levels.count() + 1}",
        "metric": Metric.AVAILABILITY,
        "direction": Direction.AT_LEAST,
        "target": D("99.5"),
        "measured_by": MeasuredBy.VALUE,
    } | fields
    return create_record(
        record=ServiceLevel(contract=contract, **values),
        engagement=contract,
        actor=None,
    )


def measured(
    level: ServiceLevel,
    month: str,
    value: str | None = None,
    *,
    actor: User | None = None,
    **fields: Any,
) -> LevelResult:
    """Store a figure for a whole month and return the result of its window."""
    first = date.fromisoformat(f"{month}-01")
    record_measurement(
        measurement=Measurement(
            service_level=level,
            period_from=first,
            period_to=last_day_of_month(first),
            value=None if value is None else D(value),
            **fields,
        ),
        actor=actor,
    )
    return LevelResult.objects.get(service_level=level, window_from=first)
