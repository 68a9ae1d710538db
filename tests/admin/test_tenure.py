"""Time served, on the list and page of contractors and after saving an assignment."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import TenureAction
from engagements.models import Assignment, Contractor, TenurePolicy
from tests.admin.forms import errors_on, fields_on
from tests.factories import make_assignment

LIST = reverse("admin:engagements_contractor_changelist")
FIGURES = "served 14 of 18 months, limit on 3 May 2027"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2027-01-05 12:00"):
        yield


@pytest.fixture
def policy(db):
    return TenurePolicy.objects.create(
        name="Ours",
        maximum_months=18,
        reset_gap_months=3,
        source="Board, 2025",
        checked_on=date(2026, 1, 1),
    )


def make_people(manager, vendor, *, count):
    for _number in range(count):
        make_assignment(
            vendor=vendor,
            manager=manager,
            department=manager.department,
            starts_on=date(2025, 11, 4),
            ends_on=date(2027, 4, 30),
        )


@pytest.mark.parametrize("people", [1, 3, 300])
def test_list_tells_time_served_in_the_same_number_of_queries(
    client, manager, vendor, policy, django_assert_num_queries, people
):
    make_people(manager, vendor, count=people)
    client.get(LIST)

    with django_assert_num_queries(15):
        page = client.get(LIST).content.decode()

    assert page.count(FIGURES) == min(people, 50)


def test_page_tells_the_policy_and_its_source(client, manager, vendor, policy):
    make_people(manager, vendor, count=1)
    person = Contractor.objects.get()

    page = client.get(reverse("admin:engagements_contractor_change", args=[person.pk]))

    assert f"{FIGURES} (Ours; Board, 2025)" in page.content.decode()


def test_page_that_adds_a_contractor_tells_no_time(client):
    page = client.get(reverse("admin:engagements_contractor_add")).content.decode()

    assert "Time served" not in page


def extend(client, manager, vendor):
    """Return the answer to a post that moves the end beyond the limit."""
    make_people(manager, vendor, count=1)
    url = reverse(
        "admin:engagements_assignment_change", args=[Assignment.objects.get().pk]
    )
    return client.post(url, fields_on(client, url) | {"ends_on": "2027-05-04"})


def told(client, answer):
    page = client.get(answer.url)
    return [str(message) for message in page.context["messages"]]


REASON = "reaches the limit of 18 months on 3 May 2027: end it by then"


def test_saving_beyond_the_limit_warns(client, manager, vendor, policy):
    answer = extend(client, manager, vendor)

    warnings = [text for text in told(client, answer) if REASON in text]
    assert len(warnings) == 1
    assert Assignment.objects.get().ends_on == date(2027, 5, 4)


def test_saving_beyond_the_limit_is_blocked_beside_the_end(
    client, manager, vendor, policy
):
    policy.action = TenureAction.BLOCK
    policy.save()

    answer = extend(client, manager, vendor)

    assert REASON in str(errors_on(answer)["ends_on"])
    assert Assignment.objects.get().ends_on == date(2027, 4, 30)
