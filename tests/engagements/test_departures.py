"""Who leaves leaves a task behind, and nothing ends by itself."""

import pytest
from django.core.exceptions import ValidationError

from engagements.choices import Role, Status
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Contractor, Departure, Event
from engagements.services.departures import (
    note_contractor_gone,
    note_return,
    reassign_engagements,
    settle_departure,
    settle_empty_departures,
)
from engagements.services.people import change_person
from tests.factories import make_assignment, make_contract, make_department, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def head():
    department = make_department()
    head = make_user(Role.MANAGER, department=department)
    department.head = head
    department.save()
    return head


@pytest.fixture
def leaver(head):
    return make_user(Role.MANAGER, manager=head, department=head.department)


def leave(person, actor):
    person.is_active = False
    change_person(person=person, actor=actor)


def test_manager_who_leaves_opens_a_task_for_the_next_one_up(
    leaver, head, administrator
):
    live = make_contract(manager=leaver, department=head.department)
    over = make_contract(manager=leaver, department=head.department)
    type(over).objects.filter(pk=over.pk).update(status=Status.ENDED)

    leave(leaver, administrator)

    departure = Departure.objects.get()
    told = Event.objects.get(event_type="manager.left")
    assert (departure.person, departure.assignee) == (leaver, head)
    assert told.changes == {
        "live_engagements": [None, [live.pk]],
        "departure": [None, departure.pk],
    }
    live.refresh_from_db()
    assert (live.status, live.manager) == (Status.DRAFT, leaver)


def test_nobody_above_leaves_it_to_administrators(leaver, head, administrator):
    make_contract(manager=leaver)
    head.is_active = False
    head.save()
    leaver.refresh_from_db()

    leave(leaver, administrator)

    assert Departure.objects.get().assignee is None


def test_leaver_without_live_engagements_leaves_no_task(leaver, administrator):
    leave(leaver, administrator)

    assert Departure.objects.count() == 0


def test_reassigning_all_settles_the_departure(leaver, head, administrator):
    one = make_contract(manager=leaver, department=head.department)
    two = make_assignment(manager=leaver, department=head.department)
    leave(leaver, administrator)
    departure = Departure.objects.get()

    reassign_engagements(
        departure=departure, engagements=[one], successor=head, actor=head
    )
    departure.refresh_from_db()
    assert departure.is_open
    reassign_engagements(
        departure=departure, engagements=[two], successor=head, actor=head
    )

    departure.refresh_from_db()
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.manager, two.manager) == (head, head)
    assert (departure.is_open, departure.settled_by) == (False, head)


def test_reassigning_keeps_within_what_the_actor_sees(leaver, head, administrator):
    mine = make_contract(manager=leaver, department=head.department)
    elsewhere = make_contract(manager=leaver, department=make_department())
    leave(leaver, administrator)
    departure = Departure.objects.get()

    with pytest.raises(NotAllowedError):
        reassign_engagements(
            departure=departure,
            engagements=[mine, elsewhere],
            successor=head,
            actor=head,
        )

    mine.refresh_from_db()
    assert mine.manager == leaver


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR])
def test_successor_must_be_able_to_manage(leaver, administrator, role):
    contract = make_contract(manager=leaver)
    leave(leaver, administrator)

    with pytest.raises(ValidationError):
        reassign_engagements(
            departure=Departure.objects.get(),
            engagements=[contract],
            successor=make_user(role),
            actor=administrator,
        )


def test_departure_is_not_settled_over_live_engagements(leaver, administrator):
    make_contract(manager=leaver)
    leave(leaver, administrator)

    with pytest.raises(WrongStateError):
        settle_departure(
            departure=Departure.objects.get(), note="Done", actor=administrator
        )


def test_who_comes_back_needs_no_successor(leaver, administrator):
    make_contract(manager=leaver)
    leave(leaver, administrator)

    leaver.is_active = True
    change_person(person=leaver, actor=administrator)

    departure = Departure.objects.get()
    assert (departure.is_open, departure.note) == (False, "Came back.")


def test_departures_with_nothing_left_are_settled_at_night(leaver, administrator):
    contract = make_contract(manager=leaver)
    leave(leaver, administrator)
    type(contract).objects.filter(pk=contract.pk).update(status=Status.ENDED)

    assert settle_empty_departures().departures == 1
    assert Departure.objects.get().settled_by is None


def test_contractor_gone_from_the_feed_opens_a_review_and_ends_nothing(
    head, administrator
):
    assignment = make_assignment(manager=head, department=head.department)
    contractor = Contractor.objects.get(pk=assignment.contractor_id)

    departure = note_contractor_gone(contractor=contractor, actor=administrator)
    again = note_contractor_gone(contractor=contractor, actor=administrator)

    assert departure == again
    assert departure.assignee == head
    with pytest.raises(ValidationError):
        settle_departure(departure=departure, note=" ", actor=head)
    settle_departure(departure=departure, note="Works on.", actor=head)
    assignment.refresh_from_db()
    assert assignment.status == Status.DRAFT
    note_return(contractor=contractor, actor=administrator)
    assert Departure.objects.get().note == "Works on."
