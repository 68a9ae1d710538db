"""What each criterion reads from the records, in figures worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import ChangeOrder, Contractor, Engagement
from tests.factories import make_user, make_vendor
from tests.fit.records import (
    LONG_AGO,
    TODAY,
    imported,
    make_service,
    make_skills,
    plant_spend,
    plant_work,
    running_assignment,
    running_contract,
)
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Mean, Observation, Share, Variation
from tracker.fit.queries import Scope
from tracker.spend.models import Basis, OversightLog, WorkLog

pytestmark = pytest.mark.django_db

CRITERIA = {criterion.code: criterion for criterion in all_criteria()}


def read(
    code: str, engagement: Engagement, *, as_of: date = TODAY, months: int = 12
) -> Observation | None:
    scope = Scope(Engagement.objects.filter(pk=engagement.pk), as_of, months)
    return CRITERIA[code].gather(scope).get(engagement.pk)


def said(code: str, engagement: Engagement) -> str:
    observation = read(code, engagement)
    assert observation is not None
    return CRITERIA[code].sentence(observation)


def log(engagement: Engagement, day: date, hours: str, **fields: object) -> None:
    WorkLog.objects.create(
        engagement=engagement, worked_on=day, hours=Decimal(hours), **fields
    )


@pytest.mark.parametrize("code", sorted(CRITERIA))
def test_criterion_is_not_recorded_where_nothing_is(code: str) -> None:
    assert read(code, running_contract()) is None


@pytest.mark.parametrize("code", sorted(CRITERIA))
def test_criterion_reads_all_engagements_with_one_number_of_queries(code: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            CRITERIA[code].gather(Scope(Engagement.objects.all(), TODAY, 12))
        return len(captured)

    one = running_contract(service=make_service("one"))
    plant_work(one, months=4, ours=0.5)
    before = queries()
    for name in ("two", "three"):
        plant_work(running_contract(service=make_service(name)), months=4, ours=0.5)
    assert queries() == before


def test_direction_is_the_share_of_hours_that_we_assigned() -> None:
    contract = running_contract()
    log(contract, date(2026, 5, 1), "7.5", assigned_by="client")
    log(contract, date(2026, 5, 2), "2.5", assigned_by="vendor")
    log(contract, date(2026, 5, 3), "90", assigned_by="")
    assert read("direction", contract) == Share(part=7.5, whole=10.0, records=2)
    assert said("direction", contract) == "our managers assigned 75 % of 10 hours"


def test_direction_of_nobody_of_ours_is_recorded_as_none() -> None:
    contract = running_contract()
    log(contract, date(2026, 5, 2), "2.5", assigned_by="vendor")
    assert read("direction", contract) == Share(part=0.0, whole=2.5, records=1)


def test_direction_reads_the_window_alone() -> None:
    contract = running_contract()
    for day in (date(2025, 11, 15), date(2025, 11, 16), TODAY, date(2026, 11, 16)):
        log(contract, day, "1", assigned_by="client")
    twelve, six = read("direction", contract), read("direction", contract, months=6)
    assert (twelve and twelve.records, six and six.records) == (2, 1)


def test_depth_is_the_share_of_hours_in_specialist_skills() -> None:
    contract = running_contract()
    (deep,) = make_skills("actuarial", breadth="specialist")
    (wide,) = make_skills("support")
    log(contract, date(2026, 5, 1), "3", skill=deep)
    log(contract, date(2026, 5, 2), "1", skill=wide)
    log(contract, date(2026, 5, 3), "50")
    assert read("skills_depth", contract) == Share(part=3.0, whole=4.0, records=2)
    assert said("skills_depth", contract) == "75 % of 4 hours in specialist skills"


def test_breadth_is_the_effective_number_of_skills() -> None:
    contract = running_contract()
    one, two = make_skills("support", "networks")
    log(contract, date(2026, 5, 1), "6", skill=one)
    log(contract, date(2026, 5, 2), "2", skill=two)
    found = read("skills_breadth", contract)
    assert isinstance(found, Mean)
    assert (found.mean, found.records) == (1.6, 2)
    assert found.count == pytest.approx(8 / 2.2, abs=1e-6)
    assert said("skills_breadth", contract) == "work spread over 1.6 skills"


@pytest.mark.parametrize(
    ("code", "field", "sentence"),
    [
        ("core_work", "is_core", "25 % of 4 hours on core systems"),
        ("coverage", "is_out_of_hours", "25 % of 4 hours out of hours"),
    ],
)
def test_yes_and_no_are_recorded_and_unknown_is_not(
    code: str, field: str, sentence: str
) -> None:
    contract = running_contract()
    log(contract, date(2026, 5, 1), "1", **{field: True})
    log(contract, date(2026, 5, 2), "3", **{field: False})
    log(contract, date(2026, 5, 3), "9")
    assert read(code, contract) == Share(part=1.0, whole=4.0, records=2)
    assert said(code, contract) == sentence


def test_skill_development_counts_pairing_and_training() -> None:
    contract = running_contract()
    log(contract, date(2026, 5, 1), "1", activity="pairing")
    log(contract, date(2026, 5, 2), "1", activity="training")
    log(contract, date(2026, 5, 3), "8", activity="support")
    assert said("skill_development", contract) == (
        "20 % of 10 hours train our own people"
    )


def test_guidance_counts_pieces_of_advice_not_their_logs() -> None:
    contract = running_contract()
    for month in range(1, 10):
        log(contract, date(2026, month, 1), "8")
    for day, piece in ((4, "Roadmap"), (5, "Roadmap"), (6, "Posture"), (7, "Costs")):
        log(contract, date(2026, 3, day), "8", activity="advisory", description=piece)
    found = read("strategic_guidance", contract)
    assert isinstance(found, Mean)
    assert (found.mean, found.count, found.records) == (1.0, 3.0, 13)
    assert said("strategic_guidance", contract) == "3 pieces of advice in 9 months"


def test_steadiness_reads_hours_of_whole_months() -> None:
    contract = running_contract(starts_on=date(2026, 4, 20))
    plant_work(contract, months=8, monthly_hours=(150,))
    log(contract, date(2026, 4, 25), "1")
    found = read("steadiness", contract)
    assert isinstance(found, Variation)
    # May to October: April began on the 20th, November is not over.
    assert (found.months, found.value) == (6, 0.0)
    assert said("steadiness", contract) == "monthly hours vary by 0 %"


def test_steadiness_counts_a_month_as_soon_as_it_is_over() -> None:
    contract = running_contract(starts_on=date(2026, 8, 1))
    plant_work(contract, months=4, until=date(2026, 10, 31))
    day_before = read("steadiness", contract, as_of=date(2026, 10, 30))
    last_day = read("steadiness", contract, as_of=date(2026, 10, 31))
    assert day_before is None
    assert isinstance(last_day, Variation)
    assert last_day.months == 3


def test_steadiness_counts_an_idle_month_between() -> None:
    contract = running_contract()
    for month in (5, 6, 8):
        log(contract, date(2026, month, 3), "100")
    found = read("steadiness", contract)
    assert isinstance(found, Variation)
    assert (found.months, found.records) == (4, 3)
    assert found.value > 0.5


def test_steadiness_falls_back_on_spend_without_logs() -> None:
    contract = running_contract()
    plant_spend(contract, amount=Decimal(5000), months=8)
    found = read("steadiness", contract)
    assert isinstance(found, Variation)
    assert (found.months, found.figures) == (7, {"is_hours": False})
    assert said("steadiness", contract) == "monthly spend varies by 0 %"


def test_steadiness_leaves_accrued_spend_aside() -> None:
    contract = running_contract()
    plant_spend(contract, amount=Decimal(5000), months=8, basis=Basis.ACCRUED)
    assert read("steadiness", contract) is None


def test_permanence_adds_up_what_the_service_has_needed() -> None:
    service = make_service("Payroll")
    running_contract(
        service=service, starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31)
    )
    latest = running_contract(
        service=service, starts_on=date(2026, 1, 15), ends_on=date(2026, 12, 31)
    )
    Engagement.objects.exclude(pk=latest.pk).update(status="ended")
    found = read("permanence", latest)
    assert isinstance(found, Mean)
    # Two years to the committed end: a pause of a fortnight interrupts no need.
    assert found.mean == pytest.approx(730 / (365.2425 / 12), abs=1e-6)
    assert said("permanence", latest) == "needed for 24 months without a gap"


def test_permanence_of_a_service_with_a_pause_says_so() -> None:
    service = make_service("Payroll")
    old = running_contract(
        service=service, starts_on=date(2025, 1, 1), ends_on=date(2025, 6, 30)
    )
    Engagement.objects.filter(pk=old.pk).update(status="ended")
    latest = running_contract(
        service=service, starts_on=date(2026, 6, 1), ends_on=date(2026, 11, 30)
    )
    assert said("permanence", latest) == "needed for 12 months"


def test_permanence_without_a_service_counts_paid_months() -> None:
    engagement = imported(until=date(2026, 10, 1))
    found = read("permanence", engagement)
    assert isinstance(found, Mean)
    assert (found.mean, found.records) == (32, 32)
    assert said("permanence", engagement) == "paid in 32 months"


def test_permanence_knows_nothing_of_later_payments() -> None:
    found = read("permanence", imported(), as_of=date(2024, 6, 30))
    assert isinstance(found, Mean)
    assert found.mean == 4


def order(engagement: Engagement, day: date, value: str) -> None:
    number = ChangeOrder.objects.filter(engagement=engagement).count() + 1
    ChangeOrder.objects.create(
        engagement=engagement,
        number=number,
        effective_on=day,
        value_change=Decimal(value),
        reason="More",
    )


def test_scope_change_is_the_added_value_as_part_of_spend() -> None:
    contract = running_contract()
    plant_spend(contract, amount=Decimal(1000), months=10)
    order(contract, date(2026, 5, 1), "1500")
    order(contract, date(2026, 6, 1), "-400")
    order(contract, date(2025, 6, 1), "9000")
    assert read("scope_change", contract) == Share(
        part=1.5, whole=10, records=12, overdispersion=1.0
    )
    assert said("scope_change", contract) == "change orders are 15 % of spend"


def test_scope_change_does_not_depend_on_the_currency() -> None:
    small, large = running_contract(), running_contract()
    for contract, factor in ((small, 1), (large, 1000)):
        plant_spend(contract, amount=Decimal(100 * factor), months=10)
        order(contract, date(2026, 5, 1), str(50 * factor))
    assert read("scope_change", small) == read("scope_change", large)


def test_no_change_order_is_a_fact_of_logged_contracts_only() -> None:
    contract, assignment = running_contract(), running_assignment()
    for engagement in (contract, assignment):
        plant_spend(engagement, amount=Decimal(1000), months=6)
    assert read("scope_change", contract) == Share(
        part=0.0, whole=6, records=6, overdispersion=1.0
    )
    assert read("scope_change", assignment) is None
    assert read("scope_change", imported()) is None


def test_in_house_team_is_read_from_the_day_it_was_declared() -> None:
    service = make_service(
        "Payroll", in_house_maturity=2, maturity_declared_on=date(2026, 3, 1)
    )
    contract = running_contract(service=service)
    assert read("in_house_team", contract, as_of=date(2026, 2, 28)) is None
    found = read("in_house_team", contract)
    assert isinstance(found, Mean)
    assert found.mean == 2
    assert said("in_house_team", contract) == "the in-house team is declared at 2 of 5"


def test_manager_load_is_over_the_manager_s_whole_span() -> None:
    manager = make_user(Role.MANAGER, weekly_capacity_hours=Decimal(40))
    contract = running_contract(manager=manager)
    other = running_contract(manager=manager)
    for month in (8, 9, 10):
        day = date(2026, month, 1)
        for engagement in (contract, other):
            OversightLog.objects.create(
                manager=manager, engagement=engagement, month=day, hours=Decimal(60)
            )
        # The whole span's log of the month contains the two above.
        OversightLog.objects.create(manager=manager, month=day, hours=Decimal(150))
    found = read("manager_load", contract)
    assert isinstance(found, Mean)
    assert found.mean == pytest.approx(150 / (40 * 365.2425 / 7 / 12), abs=1e-6)
    assert (found.count, found) == (3, read("manager_load", other))
    assert (
        said("manager_load", contract) == "oversight takes 86 % of the manager's time"
    )


def test_manager_load_without_capacity_is_not_recorded() -> None:
    manager = make_user(Role.MANAGER, weekly_capacity_hours=Decimal(0))
    contract = running_contract(manager=manager)
    OversightLog.objects.create(
        manager=manager, month=date(2026, 9, 1), hours=Decimal(10)
    )
    assert read("manager_load", contract) is None


def test_team_of_augmented_staff_shares_vendor_and_service() -> None:
    vendor, service = make_vendor(), make_service("Payroll")
    team = [
        running_assignment(vendor=vendor, service=service, starts_on=date(2025, 11, 15))
        for _ in range(3)
    ]
    running_assignment(service=service)
    found = read("team_integrity", team[0])
    assert isinstance(found, Mean)
    assert found.mean == pytest.approx(366 / (365.2425 / 12), abs=1e-6)
    assert (found.count, found.figures) == (3, {"people": 3})
    assert said("team_integrity", team[0]) == "3 people, 12 months together"


def test_one_person_is_no_team_to_keep_together() -> None:
    assignment = running_assignment(service=make_service("Payroll"))
    found = read("team_integrity", assignment)
    assert isinstance(found, Mean)
    assert found.mean == 0.0
    assert said("team_integrity", assignment) == (
        "fewer than three people: no team to keep together"
    )


def test_team_of_a_managed_contract_are_those_who_log() -> None:
    contract = running_contract()
    for name, first, last in (
        ("Ann", date(2026, 1, 1), TODAY),
        ("Bob", date(2026, 1, 1), TODAY),
        ("Eve", date(2026, 7, 1), TODAY),
    ):
        person = Contractor.objects.create(full_name=name, vendor=contract.vendor)
        for day in (first, last):
            log(contract, day, "7", contractor=person)
    days = [319, 138, 138]
    found = read("team_integrity", contract)
    assert isinstance(found, Mean)
    assert found.mean == pytest.approx(sum(days) / 3 / (365.2425 / 12), abs=1e-6)


def test_scaling_friction_counts_steps_above_a_fifth() -> None:
    vendor, service = make_vendor(), make_service("Payroll")
    first = running_assignment(vendor=vendor, service=service, starts_on=LONG_AGO)
    for starts_on, ends_on in (
        (date(2026, 3, 1), date(2026, 5, 31)),
        (date(2026, 8, 1), None),
    ):
        running_assignment(
            vendor=vendor, service=service, starts_on=starts_on, ends_on=ends_on
        )
    # One, then two from March to May, one again, two from August on: three steps
    # in the twelve whole months from November to October.
    found = read("scaling_friction", first)
    assert isinstance(found, Mean)
    assert (found.mean, found.count) == (3.0, 12)
    assert said("scaling_friction", first) == (
        "the team was resized 3 times in 12 months"
    )


def test_scaling_friction_needs_half_a_year() -> None:
    assignment = running_assignment(
        service=make_service("Payroll"), starts_on=date(2026, 6, 1)
    )
    assert read("scaling_friction", assignment) is None
