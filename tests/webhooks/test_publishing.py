"""The stream: every public event once, in an order that readers can rely on."""

from datetime import date
from threading import Event as Flag
from threading import Thread

import pytest
from django.db import connection, transaction

from engagements import events
from engagements.choices import EndReason, Role
from engagements.models import Contractor, Event, RateTerm
from engagements.services.engagements import delete_draft
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.records import change_record, delete_record
from engagements.services.terms import amend_rate
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
)
from tests.webhooks.endpoints import make_endpoint
from tracker.webhooks.messages import message_of
from tracker.webhooks.models import (
    PublishedEvent,
    UnpublishedEvent,
    WebhookDelivery,
)
from tracker.webhooks.public_types import BY_RECORDED, PUBLIC_TYPES
from tracker.webhooks.queries import published_to
from tracker.webhooks.services import Published, publish_events

pytestmark = pytest.mark.django_db


def told(user):
    return list(published_to(user).order_by("id").values_list("event_type", flat=True))


def test_events_are_told_in_order_and_thinly(administrator):
    assignment = make_assignment(department=make_department())
    amend_rate(
        term=RateTerm(assignment=assignment, starts_on=date(2026, 6, 1), rate=777),
        actor=administrator,
    )

    publish_events()

    assert told(administrator) == [
        "vendor.created",
        "engagement.created",
        "engagement.rate_changed",
    ]
    last = PublishedEvent.objects.select_related("event").last()
    assert message_of(last) == {
        "id": str(last.event.public_id),
        "type": "engagement.rate_changed",
        "timestamp": last.event.occurred_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "object": "engagement",
            "id": str(assignment.public_id),
            "engagement_id": str(assignment.public_id),
            "changed": [
                *("effective_date", "hours_per_day", "overtime_multiplier"),
                *("pay_period", "pay_rate"),
            ],
            "is_deleted": False,
        },
    }
    assert "777" not in str(message_of(last))


def test_published_again_nothing_is_told_twice(administrator):
    make_vendor()

    first, again = publish_events(), publish_events()

    assert (first, again) == (Published(1, 0), Published())
    assert UnpublishedEvent.objects.count() == 0


def test_what_is_no_concern_of_others_stays_inside(administrator):
    with transaction.atomic():
        events.record(event_type="job.failed", subject=administrator, actor=None)

    assert publish_events() == Published()


def test_person_who_leaves_is_told_of_where_they_answer_for_engagements(administrator):
    department = make_department()
    manager = make_user(Role.MANAGER, department=department)
    idle = make_user(Role.MANAGER, department=department)
    make_contract(manager=manager, department=department)
    for person in (manager, idle):
        person.is_active = False
        change_record(record=person, actor=administrator)

    publish_events()

    left = PublishedEvent.objects.filter(event_type="manager.left")
    assert [row.subject_public_id for row in left] == [manager.public_id]
    assert left.get().changed == ["is_active"]


def test_contractor_ends_with_the_last_engagement(administrator):
    first = make_assignment(department=make_department(), manager=administrator)
    second = make_assignment(
        contractor=first.contractor, vendor=first.vendor, department=first.department
    )
    for one in (first, second):
        start_engagement(engagement=one, actor=administrator)

    ended = []
    for one in (first, second):
        closing = end_engagement(
            engagement=one,
            ended_on=date(2026, 2, 1),
            reason=EndReason.COMPLETED,
            actor=administrator,
        )
        ended.append(
            Event.objects.filter(event_type="contractor.ended").count(),
        )
        assert closing.status == "ended"

    assert ended == [0, 1]


def test_manager_hears_of_own_departments_and_of_what_the_role_may_see(administrator):
    own, other = make_department(), make_department()
    manager = make_user(Role.MANAGER, department=own)
    hr = make_user(Role.HR_INTEGRATION)
    seen, unseen = make_contract(department=own), make_contract(department=other)
    with transaction.atomic():
        for contract in (seen, unseen):
            for kind in ("credit.due", "timesheet.approved", "model_flag.raised"):
                events.record(
                    event_type=kind, subject=contract, engagement=contract, actor=None
                )

    publish_events()

    of_engagements = [each for each in told(manager) if not each.startswith("vendor")]
    assert of_engagements == [
        "engagement.created",
        "service_credit.due",
        "timesheet.approved",
        "model_flag.raised",
    ]
    # Neither credits nor timesheets nor flags are the HR integration's to read.
    assert told(hr) == [
        *("vendor.created", "engagement.created"),
        *("vendor.created", "engagement.created"),
    ]
    assert len(told(administrator)) == 10
    assert told(make_user()) == []


def test_tombstone_reaches_who_was_told_of_the_record(administrator):
    own, other = make_department(), make_department()
    manager = make_user(Role.MANAGER, department=own)
    stranger = make_user(Role.MANAGER, department=other)
    contract = make_contract(department=own)
    publish_events()
    public_id = contract.public_id

    delete_draft(engagement=contract, actor=administrator)
    publish_events()

    assert told(manager)[-1] == "engagement.deleted"
    assert "engagement.deleted" not in told(stranger)
    stone = PublishedEvent.objects.select_related("event").last()
    assert message_of(stone)["data"] == {
        "object": "engagement",
        "id": str(public_id),
        "engagement_id": str(public_id),
        "changed": [],
        "is_deleted": True,
    }


def test_tombstone_of_a_contractor_names_who_it_was(administrator):
    contractor = Contractor.objects.create(full_name="Ada", vendor=make_vendor())
    public_id = contractor.public_id
    delete_record(record=contractor, actor=administrator)

    publish_events()

    stone = PublishedEvent.objects.select_related("event").last()
    assert message_of(stone)["data"]["id"] == str(public_id)
    assert "Ada" not in str(message_of(stone))


def test_endpoint_gets_its_types_of_its_owners_rows(administrator):
    own = make_department()
    manager = make_user(Role.MANAGER, department=own)
    everything = make_endpoint(administrator)
    narrow = make_endpoint(manager, event_types=["engagement.created"])
    make_endpoint(make_user(Role.FINANCE, is_active=False))
    make_contract(department=own)
    make_contract(department=make_department())

    publish_events()

    found = WebhookDelivery.objects.order_by("id")
    assert [(row.endpoint_id, row.event_type) for row in found] == [
        (everything.pk, "vendor.created"),
        (everything.pk, "engagement.created"),
        (everything.pk, "vendor.created"),
        (everything.pk, "engagement.created"),
        (narrow.pk, "engagement.created"),
    ]


def test_every_public_type_names_types_of_its_own_and_a_permission():
    recorded = [name for each in PUBLIC_TYPES.values() for name in each.recorded_as]

    assert len(recorded) == len(set(recorded)) == len(BY_RECORDED)
    assert all("view_" in each.permission for each in PUBLIC_TYPES.values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_row_committed_late_is_never_passed_over(administrator):
    """Two real connections: the first writes first and commits last."""
    written, may_commit = Flag(), Flag()

    def write_slowly():
        with transaction.atomic():
            make_vendor(legal_name="Early and late")
            written.set()
            may_commit.wait(20)
        connection.close()

    slow = Thread(target=write_slowly)
    slow.start()
    assert written.wait(20)
    make_vendor(legal_name="Quick")
    publish_events()
    read_so_far = list(published_to(administrator).order_by("id"))
    cursor = read_so_far[-1].pk
    may_commit.set()
    slow.join()
    publish_events()

    later = list(published_to(administrator).filter(pk__gt=cursor).order_by("id"))

    # It has the smaller number, and comes after all the same.
    assert [row.event_type for row in read_so_far + later] == ["vendor.created"] * 2
    assert later[0].event_id < read_so_far[0].event_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_two_who_publish_at_once_publish_once(administrator):
    publish_events()
    for _ in range(3):
        make_vendor()
    found = []

    def publish():
        found.append(publish_events().events)
        connection.close()

    with transaction.atomic():
        first = publish_events()
        other = Thread(target=publish)
        other.start()
        other.join(20)

    assert (first.events, found) == (3, [0])
    assert publish_events() == Published()
