"""What the database refuses, whoever asks."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from engagements.models import CreditStep, ManagedContract, ServiceLevel
from tests.performance.contracts import contract_with
from tracker.performance.models import Downtime, Exclusion, LevelResult, Ticket

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def refused(constraint: str):
    """SQLite names a unique constraint by its columns."""
    return pytest.raises(IntegrityError, match=f"{constraint}|UNIQUE")


@pytest.mark.parametrize(
    ("model", "fields", "constraint"),
    [
        (
            ManagedContract,
            {"opens_at": time(17), "closes_at": time(9)},
            "managed_opens_before_closing",
        ),
        (
            ManagedContract,
            {"credit_pool_percent": D(0)},
            "managed_credit_pool_positive",
        ),
        (ManagedContract, {"earn_back_windows": 0}, "managed_earn_back_positive"),
        (ServiceLevel, {"measured_by": "guess"}, "service_level_measured_by_known"),
        (ServiceLevel, {"service_hours": "never"}, "service_level_hours_known"),
        (
            ServiceLevel,
            {"credit_percent": D(101)},
            "service_level_credit_shares_0_to_100",
        ),
        (
            ServiceLevel,
            {"credit_severity_percent": D(-1)},
            "service_level_credit_shares_0_to_100",
        ),
        (ServiceLevel, {"within_minutes": 0}, "service_level_within_positive"),
        (CreditStep, {"percent": D(101)}, "credit_step_percent_0_to_100"),
        (Downtime, {"ended_at": NOON}, "downtime_in_order"),
        (Exclusion, {"ends_at": NOON}, "exclusion_in_order"),
        (Exclusion, {"kind": "holiday"}, "exclusion_kind_known"),
        (Exclusion, {"reason": ""}, "exclusion_reason_given"),
        (Ticket, {"source_id": ""}, "ticket_number_given"),
        (Ticket, {"responded_at": NOON}, "ticket_answered_after_opening"),
        (Ticket, {"resolved_at": NOON}, "ticket_solved_after_opening"),
        (LevelResult, {"outcome": "good"}, "level_result_outcome_known"),
        (
            LevelResult,
            {"window_to": date(2026, 3, 1)},
            "level_result_window_in_order",
        ),
        (LevelResult, {"value": None}, "level_result_judged_by_data"),
        (LevelResult, {"excuse": "Ours"}, "level_result_excused_with_reason"),
    ],
)
def test_database_refuses_what_cannot_be(model, fields, constraint):
    plant()

    with refused(constraint), transaction.atomic():
        model.objects.update(**fields)


@pytest.mark.parametrize(
    ("model", "constraint"),
    [
        (Ticket, "ticket_once_per_engagement"),
        (LevelResult, "level_result_once_per_window"),
    ],
)
def test_database_refuses_the_same_twice(model, constraint):
    plant()
    same = model.objects.get()
    same.pk = None
    if hasattr(same, "public_id"):
        same.public_id = "00000000-0000-4000-8000-000000000001"

    with refused(constraint), transaction.atomic():
        model.objects.bulk_create([same])


@pytest.mark.parametrize("has_level", [True, False])
def test_scheme_has_one_step_at_a_bound(has_level):
    contract, level = plant()
    CreditStep.objects.all().delete()
    fields = {"contract": contract, "bound": D(5), "percent": D(1)}
    if has_level:
        fields["service_level"] = level
    CreditStep.objects.create(**fields)

    with refused("credit_step_once"), transaction.atomic():
        CreditStep.objects.create(**fields)


def plant():
    contract, [level] = contract_with({})
    CreditStep.objects.create(contract=contract, bound=D(5), percent=D(2))
    Downtime.objects.create(
        engagement_id=contract.pk, service_level=level, began_at=LATER, ended_at=LATER
    )
    Exclusion.objects.create(
        engagement_id=contract.pk,
        starts_at=NOON,
        ends_at=LATER,
        reason="Patch",
    )
    Ticket.objects.create(engagement_id=contract.pk, source_id="1", opened_at=LATER)
    LevelResult.objects.create(
        engagement_id=contract.pk,
        service_level=level,
        window_from=date(2026, 3, 1),
        window_to=date(2026, 3, 31),
        outcome="met",
        value=D(100),
        measured_at=NOON,
    )
    return contract, level
