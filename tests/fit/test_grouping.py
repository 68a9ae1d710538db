"""Groups on a database: who belongs together, what they tell, who sees it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import ChangeOrder, Engagement
from tests.factories import make_department, make_user, make_vendor
from tests.fit.records import (
    LONG_AGO,
    TODAY,
    good_augmented,
    good_managed,
    make_service,
    make_skills,
    plant_spend,
    plant_work,
    running_assignment,
    running_contract,
    team_bought_by_the_hour,
)
from tracker.fit.criteria import all_criteria
from tracker.fit.evidence import Observation
from tracker.fit.groups import pooled_facts
from tracker.fit.models import GroupVerdict
from tracker.fit.queries import Scope, visible_groups
from tracker.fit.services import assess
from tracker.spend.models import WorkLog

pytestmark = pytest.mark.django_db


def told(*members: Engagement) -> dict[str, Observation]:
    """What the members tell together."""
    scope = Scope(
        Engagement.objects.filter(pk__in=[member.pk for member in members]), TODAY, 12
    )
    seen = {criterion: criterion.gather(scope) for criterion in all_criteria()}
    facts = {
        member.pk: {
            c.code: own[member.pk] for c, own in seen.items() if member.pk in own
        }
        for member in members
    }
    return pooled_facts(facts, {c.code: c.pooling(scope) for c in seen})


def log(engagement: Engagement, day: date, hours: int, **fields: object) -> None:
    WorkLog.objects.create(
        engagement=engagement, worked_on=day, hours=Decimal(hours), **fields
    )


def rows() -> list[tuple[str, str, str, bool]]:
    found = GroupVerdict.objects.order_by("basis")
    return [(g.basis, g.name, g.verdict, g.is_reported) for g in found]


def test_groups_of_the_same_members_are_reported_once() -> None:
    vendor = make_vendor(legal_name="Acme")
    boss = make_user(Role.MANAGER, first_name="Ama", last_name="Osei")
    for _ in range(3):
        team_bought_by_the_hour(vendor=vendor, manager=boss)

    assess(as_of=TODAY, actor=None)

    assert rows() == [
        ("manager", "Ama Osei", "other_model_fits", True),
        ("service", "Payroll platform", "other_model_fits", False),
        ("vendor_manager", "Acme · Ama Osei", "other_model_fits", False),
        ("vendor_service", "Acme · Payroll platform", "other_model_fits", False),
    ]
    assert {g.members.count() for g in GroupVerdict.objects.all()} == {3}


def test_group_of_one_is_none() -> None:
    team_bought_by_the_hour(manager=make_user(Role.MANAGER))
    assess(as_of=TODAY, actor=None)
    assert rows() == []


def test_service_with_opposed_work_is_a_blend_that_names_its_parts() -> None:
    service = make_service("Claims")
    managed = good_managed(service=service)
    augmented = good_augmented(service=service)

    assess(as_of=TODAY, actor=None)

    group = GroupVerdict.objects.get(basis="service")
    assert group.blend == {"managed": [managed.pk], "augmented": [augmented.pk]}
    assert (group.kind, group.service) == ("", service)


def test_another_night_replaces_the_groups_and_an_earlier_day_does_not() -> None:
    for _ in range(2):
        team_bought_by_the_hour()
    assess(as_of=TODAY, actor=None)
    assess(as_of=TODAY, actor=None)
    assert GroupVerdict.objects.filter(as_of=TODAY).count() == 1
    assess(as_of=TODAY.replace(month=10), actor=None)
    assert {g.as_of for g in GroupVerdict.objects.all()} == {TODAY}


def test_group_is_seen_by_those_who_see_every_member() -> None:
    own, other = make_department(), make_department()
    head = make_user(Role.MANAGER, department=own)
    service = make_service("Claims")
    team_bought_by_the_hour(service=service, department=own)
    team_bought_by_the_hour(service=service, department=other)
    assess(as_of=TODAY, actor=None)

    assert [len(visible_groups(user)) for user in (head, make_user(Role.FINANCE))] == [
        0,
        1,
    ]


def test_three_contractors_of_one_skill_each_are_three_skills() -> None:
    service, vendor = make_service("Desk"), make_vendor()
    team = [running_assignment(service=service, vendor=vendor) for _ in range(3)]
    for member, skill in zip(team, make_skills("a", "b", "c"), strict=True):
        plant_work(member, skills=[skill], months=12)

    alone = [told(member)["skills_breadth"].value for member in team]

    assert alone == [1.0, 1.0, 1.0]
    assert told(*team)["skills_breadth"].value == 3.0
    assess(as_of=TODAY, actor=None)
    group = GroupVerdict.objects.get(basis="service")
    assert "skills" not in " ".join(group.sentences["against"])


def test_advice_of_members_adds_up_and_one_description_is_one_piece() -> None:
    team = [running_assignment() for _ in range(2)]
    for month in range(1, 11):
        for number, member in enumerate(team):
            kind = "advisory" if month in (3, 6, 9) else "delivery"
            words = "roadmap" if month == 9 else f"review {number} of {month}"
            day = date(2026, month, 5)
            log(member, day, 10, activity=kind, description=words)

    alone, together = told(team[0]), told(*team)

    # Three pieces each over ten months; the roadmap of September is the same one.
    assert alone["strategic_guidance"].figures == {"pieces": 3, "months": 10}
    assert together["strategic_guidance"].figures == {"pieces": 5, "months": 10}
    assert together["strategic_guidance"].value == pytest.approx(1.5)


def test_change_orders_are_told_of_all_spend_in_one_currency() -> None:
    large, small = running_contract(), running_contract()
    plant_spend(large, amount=Decimal(9000), months=10)
    plant_spend(small, amount=Decimal(1000), months=10)
    ChangeOrder.objects.create(
        engagement=small,
        number=1,
        reason="More",
        effective_on=date(2026, 6, 1),
        value_change=Decimal(5000),
    )

    alone = [told(large)["scope_change"].value, told(small)["scope_change"].value]
    together = told(large, small)["scope_change"]

    # 5,000 of 100,000, not the mean of none and one half.
    assert alone == [0.0, 0.5]
    assert together.value == pytest.approx(0.05)


def test_members_are_one_team_that_is_resized_as_one() -> None:
    service, vendor = make_service("Desk"), make_vendor()
    joined_on = (LONG_AGO, LONG_AGO, date(2026, 3, 1), date(2026, 6, 1))
    team = [
        running_assignment(service=service, vendor=vendor, starts_on=day)
        for day in joined_on
    ]
    other = running_assignment(service=make_service("Lab"), vendor=vendor)

    together = told(*team, other)

    # The desk's 2 became 3 and then 4; with the lab's one, 3 became 4 and then 5.
    assert told(*team)["scaling_friction"].figures["steps"] == 2
    assert together["scaling_friction"].figures["steps"] == 2
    assert together["team_integrity"].figures["people"] == 5


@pytest.mark.parametrize(
    "code",
    [
        "core_work",
        "coverage",
        "direction",
        "skill_development",
        "skills_breadth",
        "skills_depth",
        "steadiness",
        "strategic_guidance",
    ],
)
def test_records_of_three_members_are_told_as_those_of_one(code: str) -> None:
    whole = running_assignment()
    parts = [running_assignment() for _ in range(3)]
    skills = [*make_skills("a", "b"), *make_skills("c", breadth="specialist")]
    for number in range(150):
        day = TODAY - timedelta(days=2 * number)
        fields = {
            "skill": skills[number % 3],
            "assigned_by": ("client", "vendor")[number % 5 > 1],
            "is_core": (True, False, None)[number % 7 % 3],
            "is_out_of_hours": number % 4 == 0,
            "activity": ("delivery", "pairing", "advisory")[number % 11 % 3],
            "description": f"note {number // 20}",
        }
        hours = 3 + number % 6
        log(whole, day, hours, **fields)
        log(parts[number % 3 if number < 120 else 0], day, hours, **fields)

    assert told(*parts)[code] == told(whole)[code]


def test_number_of_queries_does_not_grow_with_groups() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for criterion in all_criteria():
                criterion.pooling(Scope(Engagement.objects.all(), TODAY, 12))
        return len(captured)

    team_bought_by_the_hour()
    before = queries()
    for _ in range(2):
        team_bought_by_the_hour()
    assert queries() == before == 13
