"""Access: granted on a day, removed on a day, by somebody, and nothing else of it."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from engagements.choices import EndReason, Role, Status
from engagements.errors import WrongStateError
from engagements.models import (
    AccessGrant,
    Assignment,
    Contractor,
    Engagement,
    Event,
    NamedWorker,
    User,
)
from engagements.services.access import remove_access
from engagements.services.lifecycle import (
    cancel_engagement,
    end_engagement,
    start_engagement,
    terminate_engagement,
)
from engagements.services.records import delete_record
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_grant,
    make_user,
    stored,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def boss() -> User:
    return make_user(Role.MANAGER, department=make_department())


@pytest.fixture
def assignment(boss) -> Assignment:
    found = make_assignment(manager=boss, department=boss.department, rate=None)
    start_engagement(engagement=found, actor=boss)
    return found


def end(engagement: Engagement, actor: User | None) -> None:
    end_engagement(
        engagement=engagement,
        ended_on=TODAY,
        reason=EndReason.COMPLETED,
        actor=actor,
    )


def test_access_is_granted_by_somebody_and_told_without_a_name(assignment, boss):
    grant = make_grant(assignment, actor=boss, system="  Data   warehouse ")

    assert (grant.system, grant.granted_by, grant.is_open) == (
        "Data warehouse",
        boss,
        True,
    )
    event = Event.objects.get(event_type="access.granted")
    assert (event.actor, event.engagement_id) == (boss, assignment.pk)
    assert assignment.contractor is not None
    assert assignment.contractor.full_name not in str(event.changes)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"granted_on": TODAY + timedelta(days=1)}, ["granted_on"]),
        ({"system": "   "}, ["system"]),
        ({"contractor": None}, ["__all__"]),
    ],
)
def test_access_is_refused_by_field(assignment, fields, wrong):
    with pytest.raises(ValidationError) as refusal:
        make_grant(assignment, **fields)

    assert list(refusal.value.message_dict) == wrong
    assert AccessGrant.objects.count() == 0


def test_access_is_for_people_of_the_engagement(assignment):
    other = make_assignment()
    contract = make_contract()
    worker = NamedWorker.objects.create(
        contract=contract, full_name="Ada", starts_on=date(2026, 1, 1)
    )

    for person in ({"contractor": other.contractor}, {"named_worker": worker}):
        with pytest.raises(ValidationError, match="work on another"):
            make_grant(assignment, **person)


def test_the_same_access_is_open_once_whatever_its_case(assignment, boss):
    grant = make_grant(assignment, system="Mail")

    with pytest.raises(ValidationError, match="has this access already"):
        make_grant(assignment, system="MAIL")
    remove_access(grant=grant, removed_on=TODAY, actor=boss)
    make_grant(assignment, system="mail", granted_on=TODAY)

    assert AccessGrant.objects.count() == 2


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ENDED])
def test_access_is_granted_while_active_only(assignment, status):
    Engagement.objects.filter(pk=assignment.pk).update(status=status)

    with pytest.raises(WrongStateError, match="while one is active"):
        make_grant(assignment)


def test_removal_is_dated_and_attributed(assignment, boss):
    grant = make_grant(assignment)

    removed = remove_access(
        grant=grant, removed_on=date(2026, 11, 20), reported_by="IT desk", actor=boss
    )

    assert (removed.removed_on, removed.removed_by, removed.removal_reported_by) == (
        date(2026, 11, 20),
        boss,
        "IT desk",
    )
    event = Event.objects.get(event_type="access.removed")
    assert event.changes == {
        "removed_on": [None, "2026-11-20"],
        "removed_by": [None, boss.pk],
        "removal_reported_by": ["(personal)", "(personal)"],
    }


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (TODAY + timedelta(days=1), "once the day has come"),
        (date(2025, 12, 31), "before it was granted"),
    ],
)
def test_removal_is_not_to_come_and_not_before_the_grant(assignment, boss, day, words):
    grant = make_grant(assignment)

    with pytest.raises(ValidationError, match=words):
        remove_access(grant=grant, removed_on=day, actor=boss)

    grant.refresh_from_db()
    assert grant.is_open


def test_access_is_removed_once(assignment, boss):
    grant = make_grant(assignment)
    remove_access(grant=grant, removed_on=TODAY, actor=boss)

    with pytest.raises(WrongStateError, match="removed on 22 November 2026 already"):
        remove_access(grant=grant, removed_on=TODAY, actor=boss)


@pytest.mark.parametrize("close", [end_engagement, terminate_engagement])
def test_an_engagement_whose_people_have_access_is_not_closed(assignment, boss, close):
    grant = make_grant(assignment, system="Mail")

    with pytest.raises(WrongStateError) as refusal:
        close(engagement=assignment, ended_on=TODAY, reason=EndReason.OTHER, actor=boss)

    assert str(refusal.value) == (
        f"{assignment.reference} can't be closed yet. "
        f"{assignment.contractor} still has access to Mail: remove it."
    )
    assert stored(assignment).status == Status.ACTIVE
    remove_access(grant=grant, removed_on=TODAY, actor=boss)
    end(assignment, boss)
    assert stored(assignment).status == Status.ENDED


def test_those_who_may_not_see_it_are_told_no_names(assignment):
    make_grant(assignment)
    stranger = make_user(Role.MANAGER, department=make_department())

    for actor in (None, stranger):
        with pytest.raises(WrongStateError) as refusal:
            end(assignment, actor)
        assert str(refusal.value).endswith("1 access is still open: remove it.")


def test_a_draft_is_not_cancelled_while_somebody_has_access(assignment, boss):
    make_grant(assignment)
    Engagement.objects.filter(pk=assignment.pk).update(status=Status.DRAFT)
    assignment.refresh_from_db()

    with pytest.raises(WrongStateError, match="still has access"):
        cancel_engagement(engagement=assignment, actor=boss)


def test_a_named_worker_with_access_is_not_deleted(boss):
    contract = make_contract(manager=boss, fee=None)
    start_engagement(engagement=contract, actor=boss)
    worker = NamedWorker.objects.create(
        contract=contract, full_name="Ada", starts_on=contract.starts_on
    )
    make_grant(contract, named_worker=worker)

    with pytest.raises(ValidationError, match="still point to it"):
        delete_record(record=worker, actor=boss)


def test_the_database_keeps_grants_and_their_removal(assignment, boss):
    grant = make_grant(assignment)
    rows = AccessGrant.objects.filter(pk=grant.pk)
    wrong: list[dict[str, Any]] = [
        {"system": "Other"},
        {"granted_on": date(2020, 1, 1)},
        {"granted_by": boss},
    ]
    for values in wrong:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**values)
    remove_access(grant=grant, removed_on=TODAY, actor=boss)
    again: list[dict[str, Any]] = [
        {"removed_on": None, "removed_by": None},
        {"removed_on": date(2026, 11, 1)},
        {"removed_by": make_user()},
    ]
    for values in again:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**values)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM engagements_accessgrant")
    assert AccessGrant.objects.get().removed_on == TODAY


def test_who_reported_a_removal_can_be_blanked(assignment, boss):
    grant = make_grant(assignment)
    remove_access(grant=grant, removed_on=TODAY, reported_by="Jo Tarn", actor=boss)

    AccessGrant.objects.filter(pk=grant.pk).update(removal_reported_by="")

    grant.refresh_from_db()
    assert grant.removal_reported_by == ""


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("access_grant_to_one_person", {"contractor": None}),
        ("access_grant_system_given", {"system": ""}),
        ("access_grant_removal_is_attributed", {"removed_on": TODAY}),
        (
            "access_grant_removed_after_granted",
            {"removed_on": date(2025, 1, 1), "removed_by": "boss"},
        ),
    ],
)
def test_the_database_refuses_a_wrong_grant(assignment, boss, constraint, fields):
    values: dict[str, Any] = {
        "engagement_id": assignment.pk,
        "contractor": assignment.contractor,
        "system": "Mail",
        "granted_on": date(2026, 1, 1),
    } | fields
    if values.get("removed_by"):
        values["removed_by"] = boss

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AccessGrant.objects.bulk_create([AccessGrant(**values)])


def test_person_is_the_contractor_or_the_named_worker(assignment):
    worker = NamedWorker(full_name="Ada")

    assert AccessGrant(contractor=assignment.contractor).person == (
        assignment.contractor
    )
    assert AccessGrant(named_worker=worker).person == worker
    assert isinstance(assignment.contractor, Contractor)
