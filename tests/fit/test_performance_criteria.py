"""What the two criteria of performance read, in figures worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import ChargeKind, Role
from engagements.models import Charge, Engagement
from tests.factories import make_user
from tests.fit.records import TODAY, running_assignment, running_contract
from tests.performance.contracts import add_level, measured
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Share
from tracker.fit.queries import Scope
from tracker.fit.services.evaluation import evaluate
from tracker.fit.services.policies import current_policy
from tracker.performance.models import Review
from tracker.performance.review import CRITERIA as MARKED
from tracker.spend.models import WorkLog

pytestmark = pytest.mark.django_db

CRITERIA = {criterion.code: criterion for criterion in all_criteria()}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-11-15T12:00Z", tick=False):
        yield


def read(code, engagement, as_of=TODAY):
    scope = Scope(Engagement.objects.filter(pk=engagement.pk), as_of, 12)
    return CRITERIA[code].gather(scope).get(engagement.pk)


def log(engagement, day, hours):
    WorkLog.objects.create(
        engagement=engagement,
        worked_on=date.fromisoformat(day),
        hours=Decimal(hours),
    )


def test_performance_of_a_contractor_is_how_reviews_fall_short():
    assignment = running_assignment()
    manager = make_user(Role.MANAGER)
    for until, mark, is_corrected in (
        ("2025-10-31", 1, False),  # before the window
        ("2026-03-31", 1, True),
        ("2026-06-30", 3, False),
        ("2026-09-30", 4, False),
    ):
        Review.objects.create(
            engagement_id=assignment.pk,
            reviewer=manager,
            period_from=date.fromisoformat(until),
            period_to=date.fromisoformat(until),
            is_corrected=is_corrected,
            **dict.fromkeys(MARKED, mark),
        )

    found = read("performance", assignment)

    assert found == Share(
        part=0.75, whole=2, records=2, overdispersion=1.0, figures={"reviews": 2}
    )
    told = CRITERIA["performance"].sentence(found)
    assert told == "2 reviews give 3.5 of 5 on average"


def test_a_shortfall_speaks_against_the_model_that_runs():
    assignment, contract = running_assignment(), running_contract()
    Review.objects.create(
        engagement_id=assignment.pk,
        reviewer=make_user(Role.MANAGER),
        period_from=date(2026, 9, 30),
        period_to=date(2026, 9, 30),
        **dict.fromkeys(MARKED, 1),
    )
    measured(add_level(contract), "2026-03", "90")

    found = evaluate(
        engagements=Engagement.objects.filter(pk__in=[assignment.pk, contract.pk]),
        as_of=TODAY,
        policy=current_policy(),
    )

    towards_managed = {
        one.engagement_id: points_of(one.assessment)["performance"] > 0 for one in found
    }
    assert towards_managed == {assignment.pk: True, contract.pk: False}


def points_of(assessment):
    return {point["code"]: point["points"] for point in assessment.points}


def test_performance_is_the_share_of_missed_windows_of_the_last_year():
    contract = running_contract()
    level = add_level(contract)
    for month, value in (
        ("2025-10", "90"),  # before the window
        ("2026-01", "90"),
        ("2026-02", "99.9"),
        ("2026-03", "99.9"),
        ("2026-04", "99.9"),
    ):
        measured(level, month, value)

    found = read("performance", contract)

    assert found == Share(
        part=1, whole=4, records=4, overdispersion=1.0, figures={"windows": 4}
    )
    told = CRITERIA["performance"].sentence(found)
    assert told == "missed 1 of 4 service-level windows"


def test_performance_of_a_past_day_knows_nothing_of_later_windows():
    contract = running_contract()
    level = add_level(contract)
    for month in ("2026-01", "2026-02"):
        measured(level, month, "90")

    assert read("performance", contract, as_of=date(2026, 2, 27)).whole == 1


def test_measurability_is_the_share_of_hours_in_measured_months():
    contract = running_contract()
    measured(add_level(contract), "2026-03", "99.9")
    for day, hours in (
        ("2026-03-02", "30"),
        ("2026-04-02", "90"),
        # A month that isn't over can't have been measured.
        ("2026-11-02", "500"),
    ):
        log(contract, day, hours)

    found = read("measurability", contract)

    assert found == Share(part=30.0, whole=120.0, records=2)
    told = CRITERIA["measurability"].sentence(found)
    assert told == "25 % of the work has a measured outcome"


def test_measurability_counts_work_towards_an_accepted_milestone():
    contract = running_contract()
    for accepted_on in (date(2026, 2, 28), date(2026, 5, 10), None):
        Charge.objects.create(
            engagement=contract,
            charge_kind=ChargeKind.MILESTONE,
            description="Release",
            amount=Decimal(1),
            accepted_on=accepted_on,
        )
    for day in ("2026-02-02", "2026-03-02", "2026-05-20", "2026-06-02", "2026-07-02"):
        log(contract, day, "10")

    # Until May, the month of the last acceptance.
    assert read("measurability", contract) == Share(part=30.0, whole=50.0, records=5)


def test_promise_that_nobody_measures_records_nothing():
    contract = running_contract()
    add_level(contract)
    log(contract, "2026-03-02", "30")
    assignment = running_assignment()
    log(assignment, "2026-03-02", "7")

    for code in ("performance", "measurability"):
        assert read(code, contract) is None
        assert read(code, assignment) is None
