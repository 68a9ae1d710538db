"""Groups on a database: who belongs together, what the blend names, who sees it."""

import pytest

from engagements.choices import Role
from tests.factories import make_department, make_user, make_vendor
from tests.fit.records import (
    TODAY,
    good_augmented,
    good_managed,
    make_service,
    team_bought_by_the_hour,
)
from tracker.fit.models import GroupVerdict
from tracker.fit.queries import visible_groups
from tracker.fit.services import assess

pytestmark = pytest.mark.django_db


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
