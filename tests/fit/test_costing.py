"""What assessments say of money, from records in the database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engagements.choices import Role
from engagements.models import Engagement, User
from engagements.values.periods import add_months
from tests.factories import make_cost_centre, make_user
from tests.fit.records import (
    TODAY,
    plant_spend,
    plant_work,
    running_assignment,
    running_contract,
)
from tracker.fit.models import Assessment, Policy
from tracker.fit.money import Triangle
from tracker.fit.queries import judged_on
from tracker.fit.services import assess, current_policy, verify_assessments
from tracker.fit.services.costing import figures_again
from tracker.fit.services.own_records import assumptions_in_force
from tracker.spend.models import MonthlySpend, OversightLog

pytestmark = pytest.mark.django_db

LAST_MONTH = date(2026, 10, 15)


def money_of(engagement: Engagement) -> Any:
    assess(as_of=TODAY, actor=None)
    return Assessment.objects.get(engagement=engagement, as_of=TODAY).money


def oversee(engagement: Engagement, hours: int, months: int = 3) -> None:
    assert engagement.manager is not None
    for back in range(months):
        OversightLog.objects.create(
            manager=engagement.manager,
            engagement=engagement,
            month=add_months(date(2026, 10, 1), -back),
            hours=Decimal(hours),
        )


def test_ledger_of_the_whole_months_is_the_price_to_the_cent() -> None:
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal("9000.37"), months=5, until=LAST_MONTH)
    # The month that runs still counts for nothing.
    plant_spend(assignment, amount=Decimal("1"), months=1, until=TODAY)

    money = money_of(assignment)

    assert (money["spent"], money["months"], money["currency"]) == (
        "45001.8500",
        5,
        "GBP",
    )
    assert (money["first_month"], money["last_month"]) == ("2026-06-01", "2026-10-01")
    assert money["recorded"][0] == {"code": "price", "figure": "9000.37"}


def test_what_is_recorded_is_told_apart_from_what_is_assumed() -> None:
    boss = make_user(Role.MANAGER, loaded_hourly_cost=Decimal(75))
    assignment = running_assignment(manager=boss)
    plant_spend(assignment, amount=Decimal(9000), months=12, until=LAST_MONTH)
    plant_work(assignment, until=LAST_MONTH, months=12, monthly_hours=(140,))
    oversee(assignment, 30)

    money = money_of(assignment)

    assert money["recorded"] == [
        {"code": "price", "figure": "9000.00"},
        {"code": "hours", "figure": "140.0"},
        {"code": "manager_hours", "figure": "30.0"},
        # What a person costs is used, and told to nobody.
        {"code": "manager_hour_cost", "figure": ""},
    ]
    codes = {row["code"] for row in money["assumed"]}
    assert "manager_share" not in codes
    assert {"risk_premium", "efficiency", "governance", "churn"} <= codes


def test_contract_uses_its_exit_charge_and_the_rates_paid_elsewhere() -> None:
    for rate in (500, 525, 600):
        running_assignment(rate=Decimal(rate))
    contract = running_contract(exit_charge=Decimal(5000))
    plant_spend(contract, amount=Decimal(20_000), months=12, until=LAST_MONTH)
    plant_work(contract, until=LAST_MONTH, months=12, monthly_hours=(150,))

    recorded = money_of(contract)["recorded"]

    # 525 a day of 7.5 hours
    assert {"code": "market_rate", "figure": "70.00"} in recorded
    assert {"code": "exit_charge", "figure": "5000.00"} in recorded


def test_two_months_of_spend_are_no_basis() -> None:
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal(9000), months=2, until=LAST_MONTH)
    assert money_of(assignment) is None


def test_own_records_of_three_engagements_replace_an_assumption() -> None:
    boss = make_user(Role.MANAGER)
    engagements = [running_assignment(manager=boss) for _ in range(3)]
    for one, hours in zip(engagements, (14, 28, 42), strict=True):
        plant_work(one, until=LAST_MONTH, months=12, monthly_hours=(140,))
        oversee(one, hours)
    fourth = running_assignment()
    plant_spend(fourth, amount=Decimal(9000), months=12, until=LAST_MONTH)

    assumed = {row["code"]: row for row in money_of(fourth)["assumed"]}

    share = assumed["manager_share"]
    assert (share["is_own"], share["source"], share["own_count"]) == (
        True,
        "our own records of 3 engagements",
        3,
    )


def test_what_a_person_set_stands_and_names_its_owner() -> None:
    first = current_policy()
    Policy.objects.create(
        version=first.version + 1,
        assumptions={
            "efficiency": {
                "least": 0.0,
                "likely": 0.0,
                "most": 0.0,
                "source": "our last three tenders",
                "dated_on": "2026-09-01",
                "owner": "Ada Obi",
            }
        },
        adopted_at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal(9000), months=12, until=LAST_MONTH)

    assumed = {row["code"]: row for row in money_of(assignment)["assumed"]}

    assert assumed["efficiency"] == {
        "code": "efficiency",
        "meaning": "hours that a provider's team saves against directed people",
        "figure": "0 to 0 %, mostly 0 %",
        "triangle": [0.0, 0.0, 0.0],
        "source": "our last three tenders",
        "dated_on": "2026-09-01",
        "owner": "Ada Obi",
        "is_own": False,
        "own_of": "",
        "own_count": 0,
    }


@pytest.mark.roll_ups_differ
def test_other_currency_is_told_at_the_rates_of_its_postings() -> None:
    boss = make_user(Role.MANAGER, loaded_hourly_cost=Decimal(75))
    assignment = running_assignment(currency="EUR", manager=boss)
    plant_spend(assignment, amount=Decimal(1000), months=12, until=LAST_MONTH)
    MonthlySpend.objects.filter(engagement=assignment).update(reporting_amount=800)

    money = money_of(assignment)

    assert (money["currency"], money["spent"]) == ("EUR", "12000.0000")
    assert (money["reporting_currency"], money["reporting_spent"]) == (
        "GBP",
        "9600.0000",
    )


def governed(fee: Decimal, hours: int, boss: User) -> Engagement:
    contract = running_contract(manager=boss)
    plant_spend(contract, amount=fee, months=12, until=LAST_MONTH)
    oversee(contract, hours)
    return contract


def assumed_of(engagement: Engagement) -> dict[str, Any]:
    return {row["code"]: row for row in money_of(engagement)["assumed"]}


def test_hours_on_managed_services_tell_what_governing_one_takes() -> None:
    bosses = [make_user(Role.MANAGER, loaded_hourly_cost=Decimal(80)) for _ in range(3)]
    for hours, boss in zip((5, 10, 15), bosses, strict=True):
        governed(Decimal(10_000), hours, boss)
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal(9000), months=12, until=LAST_MONTH)

    governance = assumed_of(assignment)["governance"]

    # 5, 10 and 15 hours at 80 of a price of 10,000: 4, 8 and 12 %.
    assert governance["triangle"] == [0.048, 0.08, 0.112]
    assert (governance["is_own"], governance["source"], governance["dated_on"]) == (
        True,
        "our own records of 3 engagements",
        "2026-10-31",
    )


def test_hours_of_few_managers_are_not_told_as_a_part_of_fees() -> None:
    boss = make_user(Role.MANAGER, loaded_hourly_cost=Decimal(80))
    for hours in (5, 10, 15):
        governed(Decimal(10_000), hours, boss)
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal(9000), months=12, until=LAST_MONTH)

    assert assumed_of(assignment)["governance"]["is_own"] is False


@pytest.mark.roll_ups_differ
def test_what_is_billed_beside_fee_and_time_replaces_assumptions_of_a_plan() -> None:
    for extra in (0, 500, 1000):
        contract, assignment = running_contract(), running_assignment()
        for one, kind, beside in (
            (contract, "recurring", "unit"),
            (assignment, "time", "expense"),
        ):
            bill(one, kind, Decimal(10_000))
            if extra:
                bill(one, beside, Decimal(extra))

    found = {
        one.code: one
        for one in assumptions_in_force(
            engagements=judged_on(TODAY), as_of=TODAY, policy=current_policy()
        )
    }

    for code in ("extras", "tools"):
        assert found[code].triangle == Triangle(0.01, 0.05, 0.09)
        assert found[code].is_own


def bill(engagement: Engagement, kind: str, amount: Decimal) -> None:
    centre = make_cost_centre()
    for back in range(3):
        month = add_months(date(2026, 10, 1), -back)
        MonthlySpend.objects.create(
            engagement=engagement,
            vendor_id=engagement.vendor_id,
            kind=engagement.kind,
            cost_centre=centre,
            month=month,
            booked_month=month,
            charge_kind=kind,
            basis="actual",
            amount=amount,
            reporting_amount=amount,
        )


def test_stored_money_is_computed_again_to_the_digit() -> None:
    boss = make_user(Role.MANAGER, loaded_hourly_cost=Decimal("75.55"))
    assignment = running_assignment(manager=boss)
    plant_spend(assignment, amount=Decimal("9000.37"), months=7, until=LAST_MONTH)
    plant_work(assignment, until=LAST_MONTH, months=7, monthly_hours=(140, 133))
    oversee(assignment, 30)
    for rate in (500, 525, 600):
        running_assignment(rate=Decimal(rate))
    contract = running_contract(exit_charge=Decimal(5000), currency="JPY")
    plant_spend(contract, amount=Decimal(200_001), months=11, until=LAST_MONTH)
    assess(as_of=TODAY, actor=None)

    found = verify_assessments(as_of=TODAY)

    assert found.deviations == ()
    stored = Assessment.objects.get(engagement=contract, as_of=TODAY)
    assert stored.money is not None
    again = figures_again(stored.money)
    assert again is not None
    assert again["saving"] == stored.money["saving"]


def test_money_that_was_edited_is_named() -> None:
    assignment = running_assignment()
    plant_spend(assignment, amount=Decimal(9000), months=12, until=LAST_MONTH)
    money = money_of(assignment)
    money["saving"]["p50"] = "999999.00"
    money["inputs"]["price"] = "9001"
    row = Assessment.objects.get(engagement=assignment, as_of=TODAY)
    row.money = money
    row.save()

    named = {one.figure for one in verify_assessments(as_of=TODAY).deviations}

    assert {"money.saving", "money.inputs.price", "money.present"} <= named
