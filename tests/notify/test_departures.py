"""Who is told that somebody left, and in which words."""

import pytest

from engagements.choices import Role
from engagements.models import Departure, Event
from engagements.services.departures import note_contractor_gone
from engagements.services.people import change_person
from tests.factories import make_assignment, make_contract, make_department, make_user
from tracker.notify.alert_text import in_words
from tracker.notify.event_types import people_told_of
from tracker.notify.models import Alert

pytestmark = pytest.mark.django_db


def test_next_one_up_is_told_of_a_manager_who_left():
    administrator = make_user(Role.ADMINISTRATOR)
    department = make_department()
    head = make_user(Role.MANAGER, department=department)
    leaver = make_user(
        Role.MANAGER, manager=head, department=department, first_name="Helen"
    )
    make_contract(manager=leaver, department=department)
    leaver.is_active = False
    change_person(person=leaver, actor=administrator)
    event = Event.objects.get(event_type="manager.left")

    (words,) = in_words([Alert(event=event, recipient=head)], head)

    assert people_told_of(event) == [head]
    assert (words.subject, words.detail) == ("Manager left: Helen", "1 live engagement")
    page = f"/admin/engagements/departure/{Departure.objects.get().pk}/change/"
    assert words.path == page


def test_administrators_are_told_where_nobody_is_above():
    administrator, other = (make_user(Role.ADMINISTRATOR) for _each in range(2))
    leaver = make_user(Role.MANAGER)
    make_contract(manager=leaver)
    leaver.is_active = False
    change_person(person=leaver, actor=administrator)

    # Whoever did it knows.
    assert people_told_of(Event.objects.get(event_type="manager.left")) == [other]


def test_managers_are_told_of_a_contractor_gone_from_the_feed():
    manager = make_user(Role.MANAGER)
    assignment = make_assignment(manager=manager)
    note_contractor_gone(contractor=assignment.contractor, actor=None)

    assert people_told_of(Event.objects.get(event_type="contractor.gone")) == [manager]
