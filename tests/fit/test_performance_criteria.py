"""What the two criteria of performance read, in figures worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import ChargeKind, Role
from engagements.models import Charge, Engagement
from tests.factories import make_user, make_vendor
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


def ended(assignment, day, reason):
    Engagement.objects.filter(pk=assignment.pk).update(
        status="ended", ends_on=date.fromisoformat(day), end_reason=reason
    )


def review(assignment, mark):
    Review.objects.create(
        engagement_id=assignment.pk,
        reviewer=make_user(Role.MANAGER),
        period_from=date(2026, 9, 30),
        period_to=date(2026, 9, 30),
        **dict.fromkeys(MARKED, mark),
    )


def team_of(vendor, people):
    return [running_assignment(vendor=vendor) for _ in range(people)]


def test_turnover_of_the_vendor_is_a_shortfall_that_leans_as_reviews_do():
    vendor = make_vendor()
    stays, *others = team_of(vendor, 4)
    # Of the year to mid-November: 365 days each for three, 182 for the fourth.
    ended(others[0], "2026-05-15", "left")

    found = read("performance", stays)

    # One of 3.5 person-years is 28.6 % a year: .1 + .236/.25 · .4 as reviews.
    assert found.figures == {"shortfall": 0.0, "left": 1, "years": 3.5, "rate": 0.28624}
    assert (found.whole, found.records) == (3.493569, 4)
    assert found.value == pytest.approx(0.1 + (0.286 - 0.05) / 0.25 * 0.4, abs=1e-3)
    assert (
        CRITERIA["performance"].sentence(found)
        == "1 person of the vendor left in 3.5 person-years"
    )


def test_turnover_and_reviews_are_weighed_together():
    vendor = make_vendor()
    stays, *_others = team_of(vendor, 9)
    review(stays, 3)

    found = read("performance", stays)

    # A deficit of .5, and nobody left: four reviews' worth at most.
    assert (found.part, found.whole) == (0.5, 5.0)
    assert CRITERIA["performance"].sentence(found) == (
        "1 review gives 3.0 of 5; 0 people of the vendor left in 9.0 person-years"
    )


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("left", 1),
        ("vendor", 1),
        ("performance", 1),
        ("other", 1),
        ("completed", 0),
        ("not_renewed", 0),
        ("converted", 0),
        ("budget", 0),
    ],
)
def test_ends_that_were_planned_are_no_turnover(reason, left):
    stays, *others = team_of(make_vendor(), 4)
    ended(others[0], "2026-05-15", reason)
    assert read("performance", stays).figures["left"] == left


def test_who_goes_on_under_another_assignment_has_not_left():
    vendor = make_vendor()
    stays, first, *_others = team_of(vendor, 4)
    running_assignment(
        vendor=vendor, contractor=first.contractor, starts_on=date(2026, 5, 1)
    )
    ended(first, "2026-05-15", "left")
    figures = read("performance", stays).figures
    # Two weeks under both assignments count once.
    assert (figures["left"], figures["years"]) == (0, 4.0)


def test_turnover_of_a_past_day_knows_nobody_who_left_later():
    stays, *others = team_of(make_vendor(), 4)
    ended(others[0], "2026-05-15", "left")
    before = read("performance", stays, as_of=date(2026, 5, 14))
    assert before.figures["left"] == 0
    assert read("performance", stays, as_of=date(2026, 5, 15)).figures["left"] == 1


def test_turnover_needs_two_years_of_people():
    stays, other = team_of(make_vendor(), 2)
    ended(other, "2026-05-15", "left")
    assert read("performance", stays) is None


def test_one_more_who_leaves_speaks_more_for_a_managed_service():
    stays, *others = team_of(make_vendor(), 8)
    review(stays, 4)
    points = []
    for number in range(6):
        (found,) = evaluate(
            engagements=Engagement.objects.filter(pk=stays.pk),
            as_of=TODAY,
            policy=current_policy(),
        )
        points.append(points_of(found.assessment)["performance"])
        ended(others[number], "2026-11-10", "left")
    assert points == sorted(points)
    assert 0 <= points[0] < points[2]


def test_group_counts_each_vendor_s_turnover_once():
    vendor = make_vendor()
    one, two, *others = team_of(vendor, 6)
    ended(others[0], "2026-11-15", "left")
    for member in (one, two):
        review(member, 3)
    criterion = CRITERIA["performance"]
    scope = Scope(Engagement.objects.filter(pk__in=[one.pk, two.pk]), TODAY, 12)
    seen = criterion.gather(scope)

    together = criterion.pooling(scope)([one.pk, two.pk], seen)

    assert [seen[pk].whole for pk in (one.pk, two.pk)] == [5.0, 5.0]
    assert (together.whole, together.figures["reviews"]) == (6.0, 2)
    assert criterion.pooling(scope)([one.pk], {one.pk: seen[one.pk]}) == seen[one.pk]


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
