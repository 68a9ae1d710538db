"""The pages of the feed of people: what they show to whom, and the steps on them."""

import pytest
from django.test import Client
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Departure, User
from engagements.services.people import change_person
from tests.factories import make_contract, make_department, make_user
from tracker.directory.errors import PushRefusedError
from tracker.directory.models import DirectoryPerson, SyncEntry, Team
from tracker.directory.services import (
    change_provisioned,
    provision_person,
    provision_team,
    tell_refusal,
)

pytestmark = pytest.mark.django_db

SYNC = "/admin/tracker/syncentry/"
TICKED = {"_form_submitted": "on"}


@pytest.fixture
def administrator():
    return make_user(Role.ADMINISTRATOR)


def logged_in(person):
    browser = Client()
    browser.force_login(person)
    return browser


def push(user_name, **fields):
    return provision_person(
        person=DirectoryPerson(user_name=user_name, **fields),
        source="Okta",
        actor=None,
    )


def conflict(account):
    with pytest.raises(PushRefusedError) as refused:
        push(account.username)
    return tell_refusal(refusal=refused.value, source="Okta")


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_sync_page_tells_what_waits_and_what_to_do(administrator):
    anna = make_user(Role.MANAGER, username="anna")
    push("ada@example.org", department_name="Labs")
    conflict(anna)

    page = text_of(logged_in(administrator).get(SYNC))

    assert "2 things your identity tool sent wait for you" in page
    assert "User name taken" in page
    assert "Add a department with this code or name" in page
    assert "http://testserver/scim/v2" in page


def test_change_is_told_in_words_and_without_what_was_sent(administrator):
    person = push("ada@example.org")
    person.given_name, person.department_name, person.active = "Secret", "Labs", False
    change_provisioned(person=person, source="Okta", actor=None)

    page = text_of(logged_in(administrator).get(SYNC))

    assert "given name, department as sent<" in page
    assert "Secret" not in page


def test_departures_that_wait_are_counted(administrator):
    leaver = make_user(Role.MANAGER)
    make_contract(manager=leaver)
    leaver.is_active = False
    change_person(person=leaver, actor=administrator)
    counted = '<a class="text-link" href="/admin/engagements/departure/">1</a>'

    for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.HR_INTEGRATION):
        assert counted in text_of(logged_in(make_user(role)).get(SYNC))


@pytest.mark.parametrize("people", [1, 3])
def test_sync_page_asks_the_same_however_many_entries(
    administrator, people, django_assert_num_queries
):
    browser = logged_in(administrator)
    for number in range(people):
        push(f"p{number}@example.org", department_name=f"Labs {number}")
    browser.get(SYNC)

    with django_assert_num_queries(19):
        browser.get(SYNC)


def test_account_is_linked_from_its_entry(administrator):
    anna = make_user(Role.MANAGER, username="anna")
    entry = conflict(anna)

    page = reverse("admin:tracker_syncentry_link", args=[entry.pk])
    logged_in(administrator).post(page, TICKED)

    assert DirectoryPerson.objects.get().user == anna
    assert SyncEntry.objects.get(pk=entry.pk).settled_by == administrator


def test_entries_are_settled_and_matched_together(administrator):
    person = push("ada@example.org", department_name="Labs")
    conflict(make_user(Role.MANAGER, username="anna"))
    labs = make_department(code="Labs")
    browser = logged_in(administrator)
    open_ones = list(SyncEntry.objects.problems().values_list("pk", flat=True))

    browser.post(SYNC, {"action": "match_chosen", "_selected_action": open_ones})
    assert User.objects.get(pk=person.user_id).department == labs
    browser.post(SYNC, {"action": "settle_chosen", "_selected_action": open_ones})

    assert SyncEntry.objects.problems().count() == 0


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.MANAGER, 403),
        (Role.FINANCE, 403),
        (Role.HR_INTEGRATION, 200),
        (Role.AUDITOR, 200),
    ],
)
def test_feed_is_shown_to_who_keeps_it_and_changed_by_administrators(role, status):
    person = make_user(role)
    entry = conflict(make_user(Role.MANAGER, username="anna"))
    browser = logged_in(person)

    assert browser.get(SYNC).status_code == status
    browser.post(reverse("admin:tracker_syncentry_settle", args=[entry.pk]), TICKED)
    assert SyncEntry.objects.problems().count() == 1


def test_administrator_says_which_role_a_team_gives(administrator):
    ada = push("ada@example.org")
    team = provision_team(
        team=Team(name="Buyers"),
        members=[str(ada.public_id)],
        source="Okta",
        actor=None,
    )
    page = reverse("admin:tracker_team_change", args=[team.pk])
    browser = logged_in(administrator)

    refused = browser.post(
        page, {"role": "Administrator", "expected_version": team.version}
    )
    browser.post(page, {"role": "Manager", "expected_version": team.version})

    assert "Select a valid choice" in text_of(refused)
    assert [group.name for group in ada.user.groups.all()] == ["Manager"]


def test_what_the_tool_keeps_is_not_typed_over(administrator):
    person = push("ada@example.org", given_name="Ada")
    page = reverse("admin:engagements_user_change", args=[person.user_id])
    browser = logged_in(administrator)
    account = User.objects.get(pk=person.user_id)

    shown = text_of(browser.get(page))
    browser.post(
        page,
        {
            "first_name": "Eve",
            "username": "eve",
            "is_active": "",
            "weekly_capacity_hours": "30",
            "expected_version": account.version,
        },
    )

    account.refresh_from_db()
    assert "From your identity tool" in shown
    assert (account.first_name, account.is_active) == ("Ada", True)
    assert account.weekly_capacity_hours == 30


def test_leavers_engagements_are_given_away_from_their_departure(administrator):
    department = make_department()
    head = make_user(Role.MANAGER, department=department)
    leaver = make_user(Role.MANAGER, manager=head, department=department)
    mine = make_contract(manager=leaver, department=department, title="Ours to keep")
    make_contract(manager=leaver, department=make_department(), title="Beyond our view")
    leaver.is_active = False
    change_person(person=leaver, actor=administrator)
    departure = Departure.objects.get()
    browser = logged_in(head)
    page = reverse("admin:engagements_departure_change", args=[departure.pk])

    shown = text_of(browser.get(page))
    answer = browser.post(
        reverse("admin:engagements_departure_reassign", args=[departure.pk]),
        {**TICKED, "engagements": [mine.pk], "successor": head.pk},
    )

    mine.refresh_from_db()
    assert ("Ours to keep" in shown, "Beyond our view" in shown) == (True, False)
    assert "1 more is outside of what you see" in shown
    assert answer.headers["HX-Redirect"] == page
    assert mine.manager == head


def test_managers_of_others_see_no_departure_of_theirs(administrator):
    leaver = make_user(Role.MANAGER, department=make_department())
    make_contract(manager=leaver, department=leaver.department)
    leaver.is_active = False
    change_person(person=leaver, actor=administrator)
    stranger = make_user(Role.MANAGER, department=make_department())
    page = reverse(
        "admin:engagements_departure_change", args=[Departure.objects.get().pk]
    )

    assert logged_in(stranger).get(page).status_code == 302
