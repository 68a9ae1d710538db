"""What contracts show beside fit: each pattern seen, and not seen just below."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import TenureAction, TenureBasis
from engagements.models import (
    Engagement,
    ManagedContract,
    ServiceLevel,
    TenurePolicy,
)
from engagements.values.periods import add_months, last_day_of_month
from tests.factories import make_user, make_vendor
from tests.fit.records import (
    LONG_AGO,
    TODAY,
    make_service,
    plant_spend,
    plant_work,
    running_assignment,
    running_contract,
)
from tracker.fit import patterns
from tracker.fit.pattern import AnyPattern, DuplicatePatternError, Finding, Registry
from tracker.fit.patterns import all_patterns
from tracker.fit.queries import Scope
from tracker.performance.models import Credit, LevelResult
from tracker.spend.models import OversightLog

pytestmark = pytest.mark.django_db


def found(code: str, as_of: date = TODAY) -> dict[int, Finding]:
    pattern = next(pattern for pattern in all_patterns() if pattern.code == code)
    scope = Scope(Engagement.objects.all(), as_of, 12)
    return dict(pattern.find(scope))


def test_every_file_of_the_folder_is_one_pattern() -> None:
    files = {path.stem for path in Path(patterns.__file__).parent.glob("[a-z]*.py")}
    assert files == {pattern.code for pattern in all_patterns()}


@pytest.mark.parametrize("pattern", all_patterns(), ids=lambda p: p.code)
def test_pattern_is_declared_in_full(pattern: AnyPattern) -> None:
    assert pattern.label
    assert pattern.rule
    assert pattern.advice.endswith(".")


def test_registry_refuses_a_code_taken_already() -> None:
    registry = Registry()
    registry.add(type(all_patterns()[0]))
    with pytest.raises(DuplicatePatternError):
        registry.add(type(all_patterns()[0]))


def team(people: int, *, ours: float, starts_on: date = LONG_AGO) -> list[Engagement]:
    vendor, service = make_vendor(), make_service("Payroll")
    engagements: list[Engagement] = []
    for _ in range(people):
        one = running_assignment(vendor=vendor, service=service, starts_on=starts_on)
        plant_work(one, ours=ours, monthly_hours=(60, 160, 20, 150))
        engagements.append(one)
    return engagements


def test_team_of_three_that_the_vendor_directs_is_a_service_in_all_but_name() -> None:
    engagements = team(3, ours=0.3)
    seen = found("shadow_managed_service")
    assert set(seen) == {one.pk for one in engagements}
    finding = seen[engagements[0].pk]
    assert finding.sentence == (
        "3 contractors of one vendor work for one service since March 2024;"
        " we assign 30 % of the hours"
    )
    assert finding.engagements == tuple(one.pk for one in engagements)


def test_team_of_two_or_directed_by_us_or_of_five_months_is_none() -> None:
    team(2, ours=0.3)
    team(3, ours=0.5)
    assert found("shadow_managed_service") == {}
    team(3, ours=0.3, starts_on=add_months(TODAY, -5))
    assert found("shadow_managed_service") == {}


def test_managed_contract_whose_named_people_we_direct_is_hidden_headcount() -> None:
    contract, unnamed = running_contract(), running_contract()
    plant_work(unnamed, ours=0.9)
    assert found("hidden_headcount") == {}
    plant_work(contract, ours=0.9, person=running_assignment().contractor)
    finding = found("hidden_headcount")[contract.pk]
    assert finding.sentence.endswith("and one named person is directed by us")
    assert finding.value.startswith("90 % of hours, ")


def test_contract_that_we_direct_and_hardly_measure_is_hidden_headcount() -> None:
    contract = running_contract()
    plant_work(contract, ours=0.9, until=date(2026, 10, 31))
    plant_levels(contract, "met", levels=1)
    LevelResult.objects.update(outcome="no_data")
    assert found("hidden_headcount") == {}
    LevelResult.objects.update(outcome="met")
    finding = found("hidden_headcount")[contract.pk]
    assert finding.sentence.endswith(
        "hours, and the outcome of 9 % of the work is measured"
    )
    # Of a quarter, of which the hours of three months in ten are.
    LevelResult.objects.update(window_from=date(2026, 7, 1))
    assert found("hidden_headcount") == {}


def test_managed_contract_directed_half_and_half_hides_none() -> None:
    person = running_assignment().contractor
    plant_work(running_contract(), ours=0.5, person=person)
    assert found("hidden_headcount") == {}


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ((150,), "over 11 months the hours vary by 0 %"),
        ((150, 190), "over 11 months the hours vary by 12 %, enough for a note"),
    ],
)
def test_steady_hours_paid_by_the_hour_are_told(
    hours: tuple[int, ...], told: str
) -> None:
    assignment = running_assignment()
    plant_work(assignment, monthly_hours=hours)
    assert found("steady_time_and_materials")[assignment.pk].sentence == told


def test_unsteady_or_young_work_by_the_hour_is_not_told() -> None:
    plant_work(running_assignment(), monthly_hours=(60, 160))
    plant_work(running_assignment(starts_on=add_months(TODAY, -11)))
    plant_work(running_contract())
    assert found("steady_time_and_materials") == {}


@pytest.mark.parametrize(("hours", "is_over"), [(190, True), (160, False)])
def test_manager_above_all_time_is_over_capacity(hours: int, is_over: bool) -> None:
    manager = make_user(weekly_capacity_hours=Decimal(35))
    contract = running_contract(manager=manager)
    OversightLog.objects.bulk_create(
        OversightLog(
            manager=manager, month=add_months(date(2026, 10, 1), -n), hours=hours
        )
        for n in range(8)
    )
    seen = found("manager_overload")
    assert set(seen) == ({contract.pk} if is_over else set())


def test_contractor_near_the_limit_of_a_policy_is_told() -> None:
    TenurePolicy.objects.create(
        name="Two years",
        maximum_months=24,
        basis=TenureBasis.PERSON,
        action=TenureAction.WARN,
        source="our own rule",
        checked_on=TODAY,
    )
    near = running_assignment(starts_on=add_months(TODAY, -22))
    running_assignment(starts_on=add_months(TODAY, -20))
    seen = found("tenure_near")
    assert set(seen) == {near.pk}
    assert seen[near.pk].threshold == "90 days from 15 November 2026"
    assert found("tenure_near", TODAY - timedelta(days=60)) == {}


def plant_results(outcomes: str) -> int:
    """A contract with one monthly level: x missed, o met, - no data; latest last."""
    contract = running_contract()
    level = ServiceLevel.objects.create(
        contract=contract, name="Availability", target=Decimal("99.5")
    )
    for back, outcome in enumerate(reversed(outcomes), 1):
        month = add_months(date(2026, 11, 1), -back)
        LevelResult.objects.create(
            engagement=contract,
            service_level=level,
            window_from=month,
            window_to=last_day_of_month(month),
            outcome={"x": "missed", "o": "met", "-": "no_data"}[outcome],
            value=None if outcome == "-" else Decimal(99),
            measured_at=datetime(2026, 11, 2, tzinfo=UTC),
        )
    return contract.pk


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ("xooxooooox", "3 of 10 windows missed"),
        ("-xx", "2 of 2 windows missed"),
    ],
)
def test_level_missed_again_and_again_is_told(outcomes: str, told: str) -> None:
    contract = plant_results(outcomes)
    finding = found("chronic_breach")[contract]
    assert finding.value == told
    assert finding.sentence.startswith("Availability missed in ")


@pytest.mark.parametrize("outcomes", ["x", "xooooooooox", "xxxoooooooooooo", "---"])
def test_level_missed_once_or_long_ago_is_not_told(outcomes: str) -> None:
    plant_results(outcomes)
    assert found("chronic_breach") == {}


@pytest.mark.parametrize("pattern", all_patterns(), ids=lambda p: p.code)
def test_pattern_asks_as_many_questions_of_three_as_of_one(pattern: AnyPattern) -> None:
    counts = []
    for teams in (1, 2):
        for _ in range(teams):
            team(3, ours=0.3)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            pattern.find(Scope(Engagement.objects.all(), TODAY, 12))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def plant_levels(contract: ManagedContract, *outcomes: str, levels: int = 2) -> None:
    """So many levels, each with the outcomes of as many months up to October 2026."""
    for number in range(levels):
        level = ServiceLevel.objects.create(
            contract=contract, name=f"Level {number}", target=Decimal(99)
        )
        for back, outcome in enumerate(reversed(outcomes)):
            first = add_months(date(2026, 10, 1), -back)
            LevelResult.objects.create(
                engagement=contract,
                service_level=level,
                window_from=first,
                window_to=last_day_of_month(first),
                outcome=outcome,
                is_at_target=outcome == "met",
                value=Decimal(99 if outcome == "met" else 90),
                records=1,
                measured_at=datetime(2026, 11, 1, tzinfo=UTC),
            )


def contract_used(hours: int) -> ManagedContract:
    """A contract at 10,000 a month beside five contractors at 70 an hour."""
    for _ in range(9):
        running_assignment(rate=Decimal(525))
    contract = running_contract()
    plant_work(contract, until=date(2026, 10, 31), months=12, monthly_hours=(hours,))
    plant_spend(contract, amount=Decimal(10_000), months=12, until=date(2026, 10, 15))
    return contract


def test_fee_of_which_little_is_used_is_idle_capacity() -> None:
    # 12 · 80 h · 70 = 67,200 of 120,000
    contract = contract_used(80)
    finding = found("idle_capacity")[contract.pk]
    assert finding.value == "56 %, 95 % sure to be below 70 %"
    assert finding.sentence == (
        "960 hours in 12 months are worth 56 % of what was paid,"
        " at our own contractors' rates"
    )


def test_fee_that_is_used_is_not_idle_capacity() -> None:
    contract_used(110)
    assert found("idle_capacity") == {}


def test_few_prices_of_our_own_are_never_sure() -> None:
    for _ in range(3):
        running_assignment(rate=Decimal(525))
    contract = running_contract()
    plant_work(contract, until=date(2026, 10, 31), months=12, monthly_hours=(10,))
    plant_spend(contract, amount=Decimal(10_000), months=12, until=date(2026, 10, 15))
    assert found("idle_capacity") == {}


def test_level_never_missed_in_a_service_little_used_is_over_specified() -> None:
    contract = contract_used(80)
    plant_levels(contract, *["met"] * 12)
    assert found("over_specified_level")[contract.pk].value == (
        "0 of 24 months missed, 56 % used"
    )


def test_level_missed_once_or_measured_short_or_well_used_is_not_over_specified() -> (
    None
):
    contract = contract_used(80)
    plant_levels(contract, *["met"] * 11, "missed", levels=3)
    assert found("over_specified_level") == {}
    LevelResult.objects.filter(outcome="missed").delete()
    LevelResult.objects.exclude(service_level__name="Level 0").delete()
    assert found("over_specified_level") == {}


def test_one_level_held_for_two_years_is_enough_and_counts_from_its_last_miss() -> None:
    contract = contract_used(80)
    plant_levels(contract, "missed", *["met"] * 24, levels=1)
    assert found("over_specified_level")[contract.pk].value == (
        "0 of 24 months missed, 56 % used"
    )
    LevelResult.objects.filter(window_from=date(2024, 11, 1)).update(outcome="missed")
    assert found("over_specified_level") == {}


def test_service_that_is_used_is_not_over_specified() -> None:
    plant_levels(contract_used(110), *["met"] * 12)
    assert found("over_specified_level") == {}


def plant_credit(contract: ManagedContract, month: date, **figures: str) -> None:
    Credit.objects.create(
        engagement=contract,
        window_from=month,
        window_to=last_day_of_month(month),
        scheme="points",
        amount=Decimal(1000),
        figures=figures,
        state_since=month,
    )


def test_credits_at_their_cap_three_months_running_are_ignored() -> None:
    contract = running_contract()
    for month in (6, 7, 8):
        plant_credit(contract, date(2026, month, 1), uncapped="1500.0000")
    finding = found("credits_ignored")[contract.pk]
    assert finding.sentence == (
        "service credits at their cap in 3 months running,"
        " from June 2026 to August 2026"
    )


def test_credit_that_takes_all_that_is_at_risk_is_at_its_cap() -> None:
    contract = running_contract()
    for month in (6, 7, 8):
        plant_credit(
            contract,
            date(2026, month, 1),
            uncapped="1000.0000",
            percent="10",
            at_risk_percent="10",
        )
    assert contract.pk in found("credits_ignored")


def test_credits_below_the_cap_or_with_a_pause_are_not() -> None:
    contract = running_contract()
    for month in (4, 5, 7, 8):
        plant_credit(contract, date(2026, month, 1), uncapped="1500.0000")
    plant_credit(contract, date(2026, 6, 1), uncapped="1000.0000")
    assert found("credits_ignored") == {}
