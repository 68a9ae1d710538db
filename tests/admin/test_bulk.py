"""Changing many rows: nothing happens before the preview is confirmed."""

from datetime import date

import pytest
from django.urls import reverse

from engagements.admin.bulk import MOST_ROWS
from engagements.choices import Role, Standing, Status
from engagements.models import Contractor, Engagement, Event, Service, User, Vendor
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import cancel_engagement, start_engagement
from tests.admin.conftest import logged_in
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)

LISTS = ["engagement", "managedcontract", "assignment"]


@pytest.fixture
def colleague(department) -> User:
    return make_user(
        Role.MANAGER,
        username="omar",
        first_name="Omar",
        last_name="Reyes",
        department=department,
    )


@pytest.fixture
def two(manager, department):
    shared = {"manager": manager, "department": department}
    return [
        make_contract(title="Desk", **shared),
        make_assignment(title="Engineer", **shared),
    ]


def list_of(model: str) -> str:
    return reverse(f"admin:engagements_{model}_changelist")


def bulk(model: str, change: str) -> str:
    return reverse(f"admin:engagements_{model}_bulk", args=[change])


def choose(client, model, change, records, **more):
    posted = {
        "action": change,
        "_selected_action": [record.pk for record in records],
        "index": 0,
        **more,
    }
    return client.post(list_of(model), posted)


def previewed(client, model, change, records, value=""):
    keys = [f"{record.pk}:0" for record in records]
    return client.post(bulk(model, change), {"row": keys, "value": value})


def confirmed(client, model, change, response, value="", mode="all"):
    posted = {
        "row": response.context["keys"],
        "value": value,
        "mode": mode,
        "seen_event": response.context["seen_event"],
    }
    return client.post(bulk(model, change), posted, follow=True)


def told_on(response):
    return [
        (row.name, row.before, row.after, row.refusal)
        for row in response.context["preview"].rows
    ]


def messages_on(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_manager_of_both_kinds_is_changed_after_a_preview(
    client, manager, colleague, two
):
    asked = choose(client, "engagement", "change_manager", two)
    shown = previewed(client, "engagement", "change_manager", two, colleague.pk)
    before = set(Engagement.objects.values_list("manager", flat=True))
    done = confirmed(client, "engagement", "change_manager", shown, colleague.pk)

    assert asked.context["keys"] == [f"{record.pk}:0" for record in two]
    assert told_on(shown) == [
        ("Desk", "Maya Osei", "Omar Reyes", ""),
        ("Engineer", "Maya Osei", "Omar Reyes", ""),
    ]
    assert before == {manager.pk}
    assert set(Engagement.objects.values_list("manager", flat=True)) == {colleague.pk}
    assert messages_on(done) == ["2 rows changed."]
    events = Event.objects.filter(event_type="engagement.changed")
    assert [event.actor for event in events] == [manager, manager]


def test_preview_leaves_no_trace(client, colleague, two):
    before = Event.objects.count()

    previewed(client, "engagement", "change_manager", two, colleague.pk)

    assert Event.objects.count() == before
    assert set(Engagement.objects.values_list("version", flat=True)) == {1}


def test_row_that_refuses_is_told_with_its_reason_and_holds_the_others(
    client, manager, two
):
    cancel_engagement(engagement=two[0], actor=manager)

    asked = choose(client, "engagement", "start", two)
    held = confirmed(client, "engagement", "start", asked)

    refusal = f"MSC-{two[0].pk:05d} is cancelled and can't become active."
    assert told_on(asked) == [
        ("Desk", "Cancelled", "Active", refusal),
        ("Engineer", "Draft", "Active", ""),
    ]
    assert messages_on(held) == ["Nothing was changed: see below."]
    assert stored_status(two) == [Status.CANCELLED, Status.DRAFT]


def stored_status(records) -> list[str]:
    return [Engagement.objects.get(pk=record.pk).status for record in records]


def test_those_that_can_are_changed_when_asked_for(client, manager, two):
    cancel_engagement(engagement=two[0], actor=manager)
    asked = choose(client, "engagement", "start", two)

    done = confirmed(client, "engagement", "start", asked, mode="those")

    assert messages_on(done) == ["1 row changed, 1 left out."]
    assert stored_status(two) == [Status.CANCELLED, Status.ACTIVE]


@pytest.mark.parametrize(
    ("mode", "managers"), [("all", [False, False]), ("those", [False, True])]
)
def test_row_changed_since_the_preview_is_refused_and_told(
    client, two, colleague, mode, managers
):
    shown = previewed(client, "engagement", "change_manager", two, colleague.pk)
    fresh = type(two[0]).objects.get(pk=two[0].pk)
    fresh.title = "Theirs"
    change_engagement(engagement=fresh, actor=colleague)

    done = confirmed(
        client, "engagement", "change_manager", shown, colleague.pk, mode=mode
    )

    changed = [
        Engagement.objects.get(pk=record.pk).manager_id == colleague.pk
        for record in two
    ]
    assert changed == managers
    if mode == "all":
        (row, _other) = done.context["preview"].rows
        assert "was changed by somebody else" in row.refusal
        assert "Title: Desk → Theirs" in row.told[0]
        assert "Omar Reyes" in row.told[0]


def test_looking_again_takes_the_new_versions(client, two, colleague):
    shown = previewed(client, "engagement", "change_manager", two, colleague.pk)
    fresh = type(two[0]).objects.get(pk=two[0].pk)
    fresh.title = "Theirs"
    change_engagement(engagement=fresh, actor=colleague)
    held = confirmed(client, "engagement", "change_manager", shown, colleague.pk)

    again = confirmed(
        client, "engagement", "change_manager", held, colleague.pk, mode="try"
    )
    done = confirmed(client, "engagement", "change_manager", again, colleague.pk)

    assert messages_on(done) == ["2 rows changed."]


def test_what_stays_as_it_is_gets_no_event(client, manager, two):
    shown = previewed(client, "engagement", "change_manager", two, manager.pk)
    before = Event.objects.count()

    done = confirmed(client, "engagement", "change_manager", shown, manager.pk)

    assert shown.context["preview"].changed == 0
    assert messages_on(done) == ["0 rows changed, 2 stayed as they were."]
    assert Event.objects.count() == before


def test_rows_and_values_of_another_department_are_refused(client, two):
    elsewhere = make_department()
    stranger = make_user(Role.MANAGER, department=elsewhere, last_name="Zibar")
    theirs = make_contract(title="Secret", manager=stranger, department=elsewhere)

    value = previewed(client, "engagement", "change_manager", two, stranger.pk)
    row = previewed(client, "engagement", "start", [*two, theirs])
    done = confirmed(client, "engagement", "start", row, mode="those")
    forged = client.post(
        bulk("engagement", "start"),
        {"row": [f"{theirs.pk}:{theirs.version}"], "mode": "those"},
        follow=True,
    )

    assert "value" in value.context["form"].errors
    assert "Zibar" not in value.content.decode()
    assert row.context["preview"].missing == 1
    assert "Secret" not in row.content.decode() + done.content.decode()
    assert messages_on(forged) == ["0 rows changed, 1 left out."]
    assert stored_status([theirs]) == [Status.DRAFT]


def test_all_or_nothing_counts_rows_that_are_not_there(client, two):
    theirs = make_contract(title="Secret")
    shown = previewed(client, "engagement", "start", two)
    keys = [*shown.context["keys"], f"{theirs.pk}:1"]

    client.post(bulk("engagement", "start"), {"row": keys, "mode": "all"})

    assert stored_status([*two, theirs]) == [Status.DRAFT] * 3


@pytest.mark.parametrize("model", LISTS)
def test_every_list_of_engagements_offers_the_changes(client, model):
    actions = client.get(list_of(model)).context["action_form"]

    assert [value for value, _label in actions.fields["action"].choices][1:] == [
        "change_manager",
        "change_department",
        "change_service",
        "start",
    ]


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.HR_INTEGRATION])
def test_who_only_reads_is_offered_and_allowed_nothing(two, colleague, role):
    reader = logged_in(role)

    response = reader.get(list_of("engagement"))
    forged = previewed(reader, "engagement", "change_manager", two, colleague.pk)

    assert response.context["action_form"] is None
    assert forged.status_code == 403


def test_service_and_department_are_changed(client, manager, department, two):
    service = Service.objects.create(name="Payroll", department=department)
    below = make_department(name="Below", parent=department)
    for change, value in (
        ("change_service", service.pk),
        ("change_department", below.pk),
    ):
        shown = previewed(client, "engagement", change, two, value)
        confirmed(client, "engagement", change, shown, value)

    found = set(Engagement.objects.values_list("service", "department"))
    assert found == {(service.pk, below.pk)}


def test_vendors_are_put_on_hold(client):
    vendors = [make_vendor(), make_vendor(standing=Standing.BLOCKED)]

    shown = choose(client, "vendor", "put_on_hold", vendors)
    confirmed(client, "vendor", "put_on_hold", shown)

    assert {row[1:] for row in told_on(shown)} == {
        ("Active", "On hold", ""),
        ("Blocked", "On hold", ""),
    }
    assert set(Vendor.objects.values_list("standing", flat=True)) == {"on_hold"}


def test_contractors_type_of_employment_is_changed(client, vendor):
    person = Contractor.objects.create(full_name="Aisha Novak", vendor=vendor)

    shown = previewed(client, "contractor", "change_employment", [person], "freelance")
    confirmed(client, "contractor", "change_employment", shown, "freelance")

    assert told_on(shown) == [("Aisha Novak", "Contractor", "Freelance", "")]
    person.refresh_from_db()
    assert person.employment_type == "freelance"


def test_whole_list_is_taken_up_to_the_most(client, manager, department, vendor):
    first = make_contract(manager=manager, department=department, vendor=vendor)
    start_engagement(engagement=first, actor=None)
    for number in range(60):
        make_contract(
            manager=manager,
            department=department,
            vendor=vendor,
            starts_on=date(2026, 1, 1),
            title=f"Contract {number:02d}",
        )

    shown = choose(client, "managedcontract", "start", [first], select_across="1")

    assert len(shown.context["preview"].rows) == 61
    assert shown.context["preview"].refused == 1


def test_more_than_the_most_are_refused(client, two, monkeypatch):
    monkeypatch.setattr("engagements.admin.bulk.MOST_ROWS", 1)

    response = client.post(
        list_of("engagement"),
        {"action": "start", "_selected_action": [r.pk for r in two], "index": 0},
        follow=True,
    )

    assert messages_on(response) == [
        "At most 1 rows can be changed at once: filter the list first."
    ]
    assert MOST_ROWS >= 240


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"row": ["x:y"]},
        {"row": ["1"]},
        {"row": ["9" * 40 + ":1"]},
        {"row": [f"{n}:1" for n in range(MOST_ROWS + 1)]},
        {"row": ["1:1"], "mode": "nonsense"},
    ],
)
def test_what_no_page_of_ours_sends_is_refused(client, posted):
    assert client.post(bulk("engagement", "start"), posted).status_code == 404


def test_back_leads_only_to_the_list_itself(client, two):
    shown = previewed(client, "engagement", "start", two)
    filtered = list_of("engagement") + "?phase=ending"
    keys = {"row": shown.context["keys"], "mode": "those"}

    kept = client.post(bulk("engagement", "start"), keys | {"back": filtered})
    strange = client.post(
        bulk("engagement", "start"), keys | {"back": "https://elsewhere.example/"}
    )

    assert kept["Location"] == filtered
    assert strange["Location"] == list_of("engagement")
    assert client.get(bulk("engagement", "start"))["Location"] == list_of("engagement")


def test_queries_of_a_preview_grow_by_the_services_own_alone(
    client, manager, department, vendor, colleague, django_assert_num_queries
):
    """Each row is tried by its service, so that the preview knows all its refusals."""
    shared = {"manager": manager, "department": department, "vendor": vendor}
    rows = [make_contract(**shared) for _number in range(3)]
    previewed(client, "engagement", "change_manager", rows[:1], colleague.pk)

    with django_assert_num_queries(FIXED + PER_ROW):
        previewed(client, "engagement", "change_manager", rows[:1], colleague.pk)
    with django_assert_num_queries(FIXED + 3 * PER_ROW):
        previewed(client, "engagement", "change_manager", rows, colleague.pk)


FIXED = 16
PER_ROW = 24
