"""The service levels that a manager's home page warns of."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from engagements.choices import Status
from engagements.models import ManagedContract, ServiceLevel
from tests.admin.test_home import sections_of, texts
from tests.factories import make_contract, make_department
from tracker.performance.models import LevelResult

pytestmark = pytest.mark.django_db

SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))
OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))


def running(owner, /, **fields) -> ManagedContract:
    return make_contract(
        **(
            {
                "manager": owner,
                "department": owner.department,
                "status": Status.ACTIVE,
            }
            | fields
        )
    )


def level(contract: ManagedContract, name: str = "Availability") -> ServiceLevel:
    return ServiceLevel.objects.create(
        contract=contract, name=name, target=Decimal("99.5")
    )


def result(
    level: ServiceLevel, outcome: str, window=OCTOBER, *, at_target: bool | None = None
) -> LevelResult:
    has_data = outcome in ("met", "missed")
    return LevelResult.objects.create(
        engagement_id=level.contract_id,
        service_level=level,
        window_from=window[0],
        window_to=window[1],
        outcome=outcome,
        is_at_target=at_target if has_data else None,
        value=Decimal("98.7") if has_data else None,
        measured_at=timezone.now(),
    )


def test_home_warns_of_levels_whose_last_judged_window_fell_short(client, manager):
    contract = running(manager, title="Network")
    result(level(contract, "Missed"), "missed", at_target=False)
    result(level(contract, "Minimum only"), "met", at_target=False)
    result(level(contract, "Reached"), "met", at_target=True)
    recovered = level(contract, "Recovered")
    result(recovered, "missed", SEPTEMBER, at_target=False)
    result(recovered, "met", OCTOBER, at_target=True)
    idle = level(contract, "Idle since")
    result(idle, "missed", SEPTEMBER, at_target=False)
    result(idle, "no_data", OCTOBER)

    rows = texts(sections_of(client)["service_levels"])

    assert [(row[1], row[2], row[4], row[5]) for row in rows] == [
        ("Missed", "October 2026", "98.70 %", "Missed"),
        ("Idle since", "September 2026", "98.70 %", "Missed"),
        ("Minimum only", "October 2026", "98.70 %", "Below target"),
    ]


def test_home_says_nothing_where_no_level_is_at_risk(client, manager):
    result(level(running(manager)), "met", at_target=True)

    assert "service_levels" not in sections_of(client)


def test_home_warns_of_no_other_departments_and_no_closed_contracts(client, manager):
    elsewhere = running(manager, manager=None, department=make_department())
    closed = running(manager, status=Status.ENDED)
    for contract in (elsewhere, closed):
        result(level(contract), "missed", at_target=False)

    assert "service_levels" not in sections_of(client)
