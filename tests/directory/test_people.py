"""What a feed of people does to accounts, and what it must never do."""

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.test import Client

from engagements.choices import Role
from engagements.errors import WrongStateError
from engagements.models import CostCentre, Department, Departure, Event, User
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tracker.directory.errors import NameTakenError, PushRefusedError
from tracker.directory.models import DirectoryPerson, SyncEntry, Team
from tracker.directory.services import (
    change_provisioned,
    change_team,
    link_account,
    map_team,
    match_again,
    provision_person,
    provision_team,
    remove_old_entries,
    remove_person,
    remove_team,
    settle_entry,
)
from tracker.webhooks.models import PublishedEvent
from tracker.webhooks.services import publish_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make_user(Role.ADMINISTRATOR, username="boss", email="boss@example.org")


def push(user_name="ada@example.org", *, actor=None, **fields):
    person = DirectoryPerson(user_name=user_name, **fields)
    return provision_person(person=person, source="Okta", actor=actor)


def change(person, *, actor=None, **fields):
    found = DirectoryPerson.objects.get(pk=person.pk)
    for name, value in fields.items():
        setattr(found, name, value)
    return change_provisioned(person=found, source="Okta", actor=actor)


def account_of(person):
    return User.objects.get(pk=person.user_id)


def open_problems():
    rows = SyncEntry.objects.problems().order_by("id")
    return list(rows.values_list("kind", "detail"))


def test_names_that_accounts_cannot_carry_are_spelt_otherwise():
    person = push("o'brien#EXT#@example.org")

    assert account_of(person).username == "o-brien-EXT-@example.org"
    assert person.user_name == "o'brien#EXT#@example.org"


@pytest.mark.parametrize(
    ("emails", "chosen"),
    [
        ([], ""),
        ([{"value": "not an address"}], ""),
        ([{"value": "h@x.org", "type": "home"}, {"value": "w@x.org"}], "h@x.org"),
        (
            [{"value": "h@x.org"}, {"value": "w@x.org", "type": "work"}],
            "w@x.org",
        ),
        (
            [
                {"value": "w@x.org", "type": "work"},
                {"value": "p@x.org", "primary": True},
            ],
            "p@x.org",
        ),
    ],
)
def test_one_address_is_written_to(emails, chosen):
    assert account_of(push(emails=emails)).email == chosen


def test_departments_and_cost_centres_are_found_by_code_or_name():
    department = make_department(code="ENG", name="Engineering")
    centre = make_cost_centre(code="C-9", name="Platform")

    person = push(department_name="engineering", cost_centre_name="c-9")

    assert account_of(person).department == department
    assert DirectoryPerson.objects.get().cost_centre == centre
    assert open_problems() == []


def test_unknown_names_wait_until_they_are_known(administrator):
    person = push(department_name="Labs", manager_value="grace@example.org")
    assert open_problems() == [
        ("unknown_department", "Labs"),
        ("unknown_manager", "grace@example.org"),
    ]

    boss = push("Grace@example.org")
    labs = make_department(code="LAB", name="Labs")
    match_again(person=person, actor=administrator)

    account = account_of(person)
    assert (account.manager, account.department) == (account_of(boss), labs)
    assert open_problems() == []


def test_unknown_codes_are_made_where_the_setting_says_so(settings):
    settings.SCIM_UNKNOWN_CODES = "create"

    person = push(department_name="Labs", cost_centre_name="C-77")

    assert account_of(person).department == Department.objects.get(code="Labs")
    assert CostCentre.objects.filter(code="C-77").exists()
    assert open_problems() == []


def test_what_a_feed_never_tells_stays_as_entered_by_hand():
    by_hand = make_department()
    person = push()
    account = account_of(person)
    account.department, account.employee_number = by_hand, "W7"
    account.save()

    change(person, display_name="Ada")
    assert account_of(person).department == by_hand
    change(person, department_name="Nowhere")
    change(person, department_name="")

    told = account_of(person)
    assert (told.department, told.employee_number) == (None, "W7")
    assert told.provisioned_fields == [
        "username",
        "first_name",
        "last_name",
        "email",
        "is_active",
        "external_id",
        "department",
    ]


def test_same_person_pushed_unchanged_writes_nothing():
    person = push(display_name="Ada")
    events = Event.objects.count()

    change(person, display_name="Ada")

    assert DirectoryPerson.objects.get().version == 1
    assert (Event.objects.count(), SyncEntry.objects.count()) == (events, 1)


def test_who_is_deactivated_is_signed_out_for_good():
    person = push()
    account = account_of(person)
    browser, other = Client(), Client()
    browser.force_login(account)
    other.force_login(make_user(Role.MANAGER))

    change(person, active=False)
    change(person, active=True)

    assert Session.objects.count() == 1
    assert "_auth_user_id" in other.session
    assert account_of(person).is_active


def test_feed_takes_no_account_entered_by_hand(administrator):
    for _attempt in range(2):
        with pytest.raises(NameTakenError) as refused:
            push("BOSS", external_id="b-1")
    with pytest.raises(NameTakenError) as by_email:
        push("b@example.org", emails=[{"value": "Boss@example.org"}])

    assert refused.value.account == by_email.value.account == administrator
    assert DirectoryPerson.objects.count() == 0


def test_nothing_keeps_a_leaver_active_whose_address_somebody_took(administrator):
    person = push(emails=[{"value": "shared@example.org"}])
    make_user(Role.MANAGER, email="shared@example.org")

    change(person, active=False)

    assert account_of(person).is_active is False


def test_external_id_of_an_account_is_a_conflict_to_link(administrator):
    hand = make_user(Role.MANAGER, external_id="hr-1")

    with pytest.raises(NameTakenError) as refused:
        push("new@example.org", external_id="hr-1")

    assert (refused.value.kind, refused.value.account) == ("same_external_id", hand)


def test_linked_account_keeps_its_roles_and_is_found_by_the_feed(administrator):
    anna = make_user(Role.MANAGER, username="anna", email="anna@example.org")
    entry = SyncEntry.objects.create(
        kind="same_email",
        name="anna@example.org",
        account=anna,
        external_id="a-9",
        first_at=anna.date_joined,
        last_at=anna.date_joined,
    )

    person = link_account(entry=entry, actor=administrator)
    change(person, family_name="Able", given_name="Anna")

    account = account_of(person)
    assert (account.username, account.get_full_name()) == (
        "anna@example.org",
        "Anna Able",
    )
    assert [group.name for group in account.groups.all()] == [Role.MANAGER.value]
    assert open_problems() == []
    with pytest.raises(WrongStateError):
        link_account(entry=SyncEntry.objects.get(pk=entry.pk), actor=administrator)


def test_feed_deactivates_neither_its_own_account_nor_the_last_administrator(
    administrator,
):
    entry = SyncEntry(kind="same_user_name", name="boss", account=administrator)
    entry.first_at = entry.last_at = administrator.date_joined
    entry.save()
    person = link_account(entry=entry, actor=administrator)

    with pytest.raises(PushRefusedError):
        change(person, active=False)
    other = make_user(Role.ADMINISTRATOR)
    with pytest.raises(PushRefusedError):
        change(person, active=False, actor=administrator)
    change(person, active=False, actor=other)

    assert account_of(person).is_active is False


def test_removed_person_leaves_an_account_without_roles_or_name(administrator):
    person = push(external_id="a-1")
    team = provision_team(
        team=Team(name="Buyers"),
        members=[str(person.public_id)],
        source="Okta",
        actor=None,
    )
    team.role = Role.MANAGER.value
    map_team(team=team, actor=administrator)
    account = account_of(person)
    assert account.is_staff

    remove_person(
        person=DirectoryPerson.objects.get(), source="Okta", actor=administrator
    )
    successor = push("ada@example.org", external_id="a-1")

    account.refresh_from_db()
    assert (account.is_active, account.is_staff, account.groups.count()) == (
        False,
        False,
        0,
    )
    assert account.username == f"ada@example.org-left-{account.pk}"
    assert successor.user_id != account.pk
    assert account_of(successor).groups.count() == 0


def test_team_gives_the_role_mapped_and_takes_back_what_it_gave(administrator):
    ada, bob = push("ada@example.org"), push("bob@example.org")
    account_of(bob).groups.add(Group.objects.get(name=Role.MANAGER.value))
    both = [str(ada.public_id), str(bob.public_id)]
    team = provision_team(
        team=Team(name="Buyers"), members=both, source="Okta", actor=None
    )
    assert roles(ada) == []

    team.role = Role.MANAGER.value
    map_team(team=team, actor=administrator)
    assert (roles(ada), roles(bob)) == (["Manager"], ["Manager"])
    assert account_of(ada).is_staff

    change_team(team=Team.objects.get(), members=[], source="Okta", actor=administrator)
    # Bob had it by hand before, so it was never the team's to take.
    assert (roles(ada), roles(bob)) == ([], ["Manager"])
    assert account_of(ada).is_staff is False


def test_removed_team_takes_its_role_along(administrator):
    ada = push()
    team = provision_team(
        team=Team(name="Audit"),
        members=[str(ada.public_id)],
        source="Okta",
        actor=None,
    )
    team.role = Role.AUDITOR.value
    map_team(team=team, actor=administrator)

    remove_team(team=Team.objects.get(), source="Okta", actor=None)

    assert roles(ada) == []
    assert Event.objects.filter(event_type="team.deleted").count() == 1


def test_team_never_makes_an_administrator(administrator):
    team = provision_team(
        team=Team(name="Admins"), members=[], source="Okta", actor=None
    )
    team.role = Role.ADMINISTRATOR.value

    with pytest.raises(ValidationError):
        map_team(team=team, actor=administrator)


def test_unknown_members_are_left_out_and_told():
    ada = push()
    team = provision_team(
        team=Team(name="Buyers"),
        members=[str(ada.public_id), "stranger"],
        source="Okta",
        actor=None,
    )

    assert [str(person) for person in team.members.all()] == ["ada@example.org"]
    assert open_problems() == [("unknown_member", "stranger")]
    change_team(
        team=Team.objects.get(),
        members=[str(ada.public_id)],
        source="Okta",
        actor=None,
    )
    assert open_problems() == []


def test_events_hold_no_names(administrator):
    person = push("secret@example.org", given_name="Secret", actor=administrator)
    change(person, family_name="Secret", actor=administrator)

    told = "".join(str(event.changes) for event in Event.objects.all())
    assert "Secret" not in told
    assert "secret@" not in told


def test_old_entries_are_forgotten_but_not_open_problems(administrator):
    push(department_name="Labs")
    problem = SyncEntry.objects.problems().get()
    later = problem.last_at.replace(year=problem.last_at.year + 1)

    assert remove_old_entries(before=later) == 1
    settle_entry(entry=problem, actor=administrator)
    assert remove_old_entries(before=later) == 1


def test_leaver_is_told_to_other_systems_once(administrator):
    person = push(external_id="a-1")
    account = account_of(person)
    make_contract(manager=account)
    publish_events()

    change(person, active=False, department_name="Labs", actor=administrator)
    change(person, display_name="Ada", actor=administrator)
    remove_person(
        person=DirectoryPerson.objects.get(), source="Okta", actor=administrator
    )
    publish_events()

    left = PublishedEvent.objects.filter(event_type="manager.left")
    assert [row.subject_public_id for row in left] == [account.public_id]


def test_contractor_deactivated_in_the_feed_is_looked_at(administrator):
    assignment = make_assignment(manager=make_user(Role.MANAGER))
    contractor = assignment.contractor
    contractor.work_email = "kim@agency.example"
    contractor.save()
    person = push("kim", emails=[{"value": "Kim@agency.example"}])

    change(person, active=False)
    departure = Departure.objects.get()
    assert (departure.contractor, departure.assignee) == (
        contractor,
        assignment.manager,
    )
    change(person, active=True)

    assignment.refresh_from_db()
    departure.refresh_from_db()
    assert (assignment.status, departure.note) == ("draft", "Came back.")


def roles(person):
    return sorted(account_of(person).groups.values_list("name", flat=True))
