"""Departments, cost centers, services and people."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import CostCentre, Department, Event, Service
from engagements.services.engagements import delete_draft
from engagements.services.records import delete_record
from tests.api.callers import client_for, codes, put
from tests.api.test_schema import check
from tests.factories import (
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tracker.api.scopes import SCOPES

pytestmark = pytest.mark.django_db

BODIES = {
    "departments": {"code": "IT", "name": "Technology"},
    "cost-centers": {"code": "CC-1", "name": "Desks"},
    "services": {"name": "Service desk"},
}
MODELS = {"departments": Department, "cost-centers": CostCentre, "services": Service}
COMPONENTS = {
    "departments": "Department",
    "cost-centers": "CostCenter",
    "services": "Service",
}
NOUNS = list(BODIES)


@pytest.mark.parametrize("noun", NOUNS)
def test_record_is_created_read_changed_and_upserted(api, noun):
    created = api.post(f"/api/v1/{noun}", BODIES[noun] | {"external_id": "X-1"})
    again = put(api, noun, "X-1", BODIES[noun])
    events = Event.objects.count()
    replayed = put(api, noun, "X-1", BODIES[noun])
    path = created["Location"]
    changed = api.patch(path, {"name": "Other"}, headers={"If-Match": again["ETag"]})
    stale = api.patch(path, {"name": "Third"}, headers={"If-Match": again["ETag"]})
    without = api.patch(path, {"name": "Third"})

    statuses = [r.status_code for r in (created, again, changed, stale, without)]
    assert statuses == [201, 200, 200, 412, 428]
    assert (created.json(), replayed.json()) == (again.json(), again.json())
    # One for the change alone.
    assert Event.objects.count() == events + 1
    assert api.get(path).json() == changed.json()
    assert api.get(f"/api/v1/{noun}").json()["results"] == [changed.json()]
    assert MODELS[noun].objects.get(external_id="X-1").name == "Other"
    check(f"{COMPONENTS[noun]}Record", changed.json())


@pytest.mark.parametrize("noun", NOUNS)
def test_created_twice_is_a_conflict(api, noun):
    body = BODIES[noun] | {"external_id": "X-1"}

    responses = [api.post(f"/api/v1/{noun}", body) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 409]


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("count", [1, 3, 300])
def test_list_takes_the_same_queries_for_any_number(api, noun, count):
    model = MODELS[noun]
    for number in range(count):
        fields = {"name": f"N {number}"}
        if noun != "services":
            fields["code"] = f"C{number}"
        model.objects.create(**fields)

    with CaptureQueriesContext(connection) as captured:
        page = api.get(f"/api/v1/{noun}?page_size=200").json()

    assert len(page["results"]) == min(count, 200)
    # The key, "last used", permissions with roles, rows.
    assert len(captured) == 4


def test_department_never_lies_below_itself(api):
    top = make_department(code="TOP", external_id="top")
    make_department(code="LOW", parent=top)

    response = put(
        api,
        "departments",
        "top",
        {"code": "TOP", "name": "x", "parent": {"code": "LOW"}},
    )

    assert response.status_code == 422
    assert codes(response) == [("/parent", "invalid")]


def test_deleted_records_are_told_to_whoever_asks_for_changes(api):
    gone, kept = make_department(code="A"), make_department(code="B")
    delete_record(record=gone, actor=None)

    whole = api.get("/api/v1/departments").json()
    changes = api.get("/api/v1/departments?updated_since=2026-01-01T00:00:00Z").json()

    assert "deleted" not in whole
    assert [row["id"] for row in changes["results"]] == [str(kept.public_id)]
    assert [row["id"] for row in changes["deleted"]] == [str(gone.public_id)]
    check("DepartmentPage", changes)


def test_walk_over_changes_meets_each_row_and_each_tombstone_once(api):
    departments = [make_department() for _ in range(5)]
    for number, department in enumerate(departments):
        moment = datetime(2026, 1, 1, number, tzinfo=UTC)
        Department.objects.filter(pk=department.pk).update(updated_at=moment)
    for department in departments[1:3]:
        delete_record(record=department, actor=None)
    told = []
    cursor = ""
    while cursor is not None:
        page = api.get(
            "/api/v1/departments?updated_since=2025-01-01T00:00:00Z&page_size=2"
            f"{cursor and '&cursor='}{cursor}"
        ).json()
        told += [row["id"] for row in (*page["results"], *page["deleted"])]
        cursor = page["next_cursor"]

    order = (0, 3, 4, 1, 2)
    assert told == [str(departments[place].public_id) for place in order]


def test_people_are_read_and_not_written(api):
    head = make_user(
        Role.MANAGER, first_name="Ada", last_name="Byron", email="ada@example.org"
    )
    path = f"/api/v1/people/{head.public_id}"

    found = api.get(path)
    statuses = [
        api.patch(path, {"name": "x"}).status_code,
        api.post("/api/v1/people", {}).status_code,
    ]

    assert found.json()["name"] == "Ada Byron"
    assert found.json()["work_email"] == "ada@example.org"
    check("PersonRecord", found.json())
    assert statuses == [405, 405]


def test_manager_reads_only_their_part_of_the_organisation():
    manager = make_user(Role.MANAGER)
    ours = make_department(code="OURS", head=manager)
    theirs = make_department(code="THEIRS")
    make_cost_centre(code="C-OURS", department=ours)
    make_cost_centre(code="C-THEIRS", department=theirs)
    make_cost_centre(code="C-SHARED")
    stranger = make_user(Role.MANAGER, department=theirs)
    client = client_for(manager, *SCOPES)

    departments = client.get("/api/v1/departments").json()["results"]
    centres = client.get("/api/v1/cost-centers").json()["results"]
    person = client.get(f"/api/v1/people/{stranger.public_id}")

    assert [row["code"] for row in departments] == ["OURS"]
    shared = CostCentre.UNALLOCATED
    codes_seen = {row["code"] for row in centres} - {shared}
    assert codes_seen == {"C-OURS", "C-SHARED"}
    assert person.status_code == 404


def test_deleted_drafts_are_told(api):
    contract = make_contract()
    delete_draft(engagement=contract, actor=None)

    page = api.get("/api/v1/engagements?updated_since=2026-01-01T00:00:00Z").json()

    assert page["results"] == []
    assert [row["id"] for row in page["deleted"]] == [str(contract.public_id)]
