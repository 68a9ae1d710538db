from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from engagements.choices import Role
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope, holds, roles_of, sees_money
from tests.factories import make_contract, make_department, make_user

pytestmark = pytest.mark.django_db


def references(user: User | AnonymousUser) -> list[str]:
    return list(Engagement.objects.visible_to(user).values_list("reference", flat=True))


@pytest.fixture
def estate() -> dict[str, User]:
    """Two departments, one below the other's, and an engagement in each."""
    head = make_user(Role.MANAGER)
    own = make_user(Role.MANAGER)
    top = make_department(head=head)
    below = make_department(parent=top)
    other = make_department()
    make_contract(reference="top", department=top)
    make_contract(reference="below", department=below)
    make_contract(reference="other", department=other)
    make_contract(reference="own", department=other, manager=own)
    return {"head": head, "own": own}


def test_head_sees_the_department_and_all_below(estate: dict[str, User]) -> None:
    assert references(estate["head"]) == ["below", "top"]


def test_manager_sees_their_own_engagements(estate: dict[str, User]) -> None:
    assert references(estate["own"]) == ["own"]


@pytest.mark.parametrize(
    "role", [Role.FINANCE, Role.HR_INTEGRATION, Role.AUDITOR, Role.ADMINISTRATOR]
)
def test_other_roles_see_every_engagement(estate: dict[str, User], role: Role) -> None:
    assert references(make_user(role)) == ["below", "other", "own", "top"]


def test_without_a_role_nothing_is_seen(estate: dict[str, User]) -> None:
    assert references(make_user()) == []
    assert references(AnonymousUser()) == []


def test_a_deactivated_user_sees_nothing(estate: dict[str, User]) -> None:
    finance = make_user(Role.FINANCE)
    finance.is_active = False
    assert references(finance) == []


def test_a_role_taken_away_is_gone_on_the_next_request(
    estate: dict[str, User],
) -> None:
    finance = make_user(Role.FINANCE)
    assert roles_of(finance) == {"Finance"}
    finance.groups.clear()
    assert references(User.objects.get(pk=finance.pk)) == []


def test_hr_integration_sees_no_money() -> None:
    seen = {role: sees_money(make_user(role)) for role in Role}
    assert seen == {
        Role.MANAGER: True,
        Role.FINANCE: True,
        Role.HR_INTEGRATION: False,
        Role.AUDITOR: True,
        Role.ADMINISTRATOR: True,
    }


def test_two_roles_together_show_no_more_money_than_each(
    estate: dict[str, User],
) -> None:
    estate["own"].groups.add(Group.objects.get(name=Role.HR_INTEGRATION))
    scope = engagement_scope(estate["own"], with_money=True)
    with_money = Engagement.objects.filter(scope).values_list("reference", flat=True)
    assert references(estate["own"]) == ["below", "other", "own", "top"]
    assert list(with_money) == ["own"]


def test_every_role_is_a_group_and_only_managers_log_engagements() -> None:
    groups = {
        group.name: set(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.all()
    }
    assert set(groups) == set(Role.values)
    may_add = {name for name, codes in groups.items() if "add_managedcontract" in codes}
    assert may_add == {"Manager", "Administrator"}
    assert not any("change_event" in codes for codes in groups.values())


def test_phase_is_derived_from_dates_and_status() -> None:
    today = date(2026, 6, 15)
    cases: dict[str, dict[str, Any]] = {
        "upcoming": {"starts_on": date(2026, 7, 1)},
        "in_progress": {"ends_on": date(2027, 6, 30), "notice_period": 30},
        "notice_window": {"ends_on": date(2026, 9, 30), "notice_period": 30},
        "ending": {"ends_on": date(2026, 7, 15), "notice_period": 90},
        "overdue": {"ends_on": date(2026, 6, 14)},
        "closed": {"ends_on": date(2026, 6, 14), "status": "ended"},
    }
    for reference, fields in cases.items():
        make_contract(reference=reference, **fields)
    phases = {e.reference: e.phase for e in Engagement.objects.with_phase(today)}
    assert phases == {name: name for name in cases}


def test_holds_tells_what_has_perms_tells_and_the_roles_by_one_query(
    django_assert_num_queries,
):
    asked = (
        ["engagements.view_engagement"],
        ["engagements.add_vendor", "engagements.change_vendor"],
        ["engagements.add_vendor", "engagements.nothing"],
    )
    people = [make_user(role) for role in Role] + [make_user()]
    both = make_user(Role.AUDITOR, Role.FINANCE)
    direct = make_user(Role.AUDITOR)
    direct.user_permissions.add(Permission.objects.get(codename="add_vendor"))
    direct.user_permissions.add(Permission.objects.get(codename="change_vendor"))
    superuser = make_user()
    User.objects.filter(pk=superuser.pk).update(is_superuser=True)
    inactive = make_user(Role.ADMINISTRATOR)
    User.objects.filter(pk=inactive.pk).update(is_active=False)

    for person in [*people, both, direct, superuser, inactive]:
        for permissions in asked:
            anew = [User.objects.get(pk=person.pk) for _ in range(2)]
            expected = anew[0].has_perms(permissions), roles_of(anew[0])
            assert (holds(anew[1], permissions), roles_of(anew[1])) == expected

    finance = User.objects.get(pk=people[list(Role).index(Role.FINANCE)].pk)
    with django_assert_num_queries(1):
        assert holds(finance, asked[1])
        assert roles_of(finance) == {Role.FINANCE}
