"""The view in Merge's shape."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role, Status
from engagements.models import Contractor, Engagement
from tests.api.callers import client_for, codes
from tests.api.test_schema import check
from tests.factories import (
    make_assignment,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.api.scopes import SCOPES
from tracker.spend.models import WorkLog

pytestmark = pytest.mark.django_db

BASE = "/hris/v1"
HR = ("contractors:read", "timesheets:read", "departments:read")


@pytest.fixture(autouse=True)
def midsummer():
    with time_machine.travel(datetime(2026, 6, 15, 9, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def assignment():
    manager = make_user(Role.MANAGER, first_name="Max")
    vendor = make_vendor(legal_name="Agency Ltd")
    found = make_assignment(
        vendor=vendor,
        contractor=Contractor.objects.create(
            full_name="Ada Byron",
            external_id="W-1",
            worker_number="7",
            work_email="ada@example.org",
            vendor=vendor,
        ),
        rate=Decimal("612.50"),
        role="Engineer",
        manager=manager,
        department=make_department(code="IT", name="Technology"),
        cost_shares={make_cost_centre(): Decimal(100)},
    )
    Engagement.objects.filter(pk=found.pk).update(status=Status.ACTIVE)
    WorkLog.objects.create(
        engagement=found,
        contractor=found.contractor,
        worked_on=date(2026, 3, 2),
        hours=Decimal("7.5"),
    )
    return found


def hr(*scopes):
    return client_for(make_user(Role.HR_INTEGRATION), *HR, *scopes)


def walked(client, path, size):
    """Return the ids of the pages, from the first."""
    pages, cursor = [], ""
    while cursor is not None:
        separator = "&" if "?" in path else "?"
        page = client.get(
            f"{path}{separator}page_size={size}{cursor and '&cursor='}{cursor}"
        ).json()
        pages.append([row["id"] for row in page["results"]])
        cursor = page["next"]
    return pages


def test_employee_is_the_worker_in_merges_shape(assignment):
    page = hr().get(f"{BASE}/employees").json()

    (row,) = page["results"]
    check("EmployeePage", page)
    assert (page["next"], page["previous"]) == (None, None)
    told = {
        "id": str(assignment.contractor.public_id),
        "remote_id": "W-1",
        "employee_number": "7",
        "company": "Agency Ltd",
        "first_name": "Ada",
        "last_name": "Byron",
        "display_full_name": "Ada Byron",
        "work_email": "ada@example.org",
        "employments": [str(assignment.public_id)],
        "manager": str(assignment.manager.public_id),
        "start_date": "2026-01-01",
        "employment_status": "ACTIVE",
        "termination_date": None,
        "date_of_birth": None,
        "remote_was_deleted": False,
    }
    assert {name: row[name] for name in told} == told
    centre = assignment.cost_splits.get().shares.get().cost_centre
    department = assignment.department
    assert row["groups"] == [str(department.public_id), str(centre.public_id)]


def test_pay_is_told_with_the_scope_alone(assignment):
    path = f"{BASE}/employments"

    (without,) = hr().get(path).json()["results"]
    (with_it,) = hr("rates:read").get(path).json()["results"]

    pay = ("pay_rate", "pay_period", "pay_currency")
    assert [without[name] for name in pay] == [None, None, None]
    assert [with_it[name] for name in pay] == [612.5, "DAY", "GBP"]
    assert with_it["employee"] == str(assignment.contractor.public_id)
    check("Employment", with_it)


def test_entries_and_groups_are_told(assignment):
    client = hr()

    (entry,) = client.get(f"{BASE}/timesheet-entries").json()["results"]
    (group,) = client.get(f"{BASE}/groups").json()["results"]

    assert (entry["hours_worked"], entry["start_time"]) == (7.5, "2026-03-02T00:00:00Z")
    assert entry["employee"] == str(assignment.contractor.public_id)
    assert (group["name"], group["type"]) == ("Technology", "DEPARTMENT")
    check("TimesheetEntry", entry)
    check("Group", group)


def test_single_is_what_the_list_tells(api, assignment):
    for noun in ("employees", "employments", "timesheet-entries", "groups"):
        rows = api.get(f"{BASE}/{noun}").json()["results"]
        assert rows == [api.get(f"{BASE}/{noun}/{row['id']}").json() for row in rows]


def test_people_come_with_their_scope_alone(assignment):
    without = hr().get(f"{BASE}/employees").json()["results"]
    with_it = hr("people:read").get(f"{BASE}/employees").json()["results"]

    assert len(without) == 1
    names = [row["display_full_name"] for row in with_it]
    assert names[:2] == ["Ada Byron", "Max"]


@pytest.mark.parametrize("size", [1, 2, 3, 200])
@pytest.mark.parametrize("query", ["", "?modified_after=2020-01-01T00:00:00Z"])
def test_pages_lead_forth_and_back_through_workers_and_people(api, size, query):
    vendor = make_vendor()
    for number in range(3):
        Contractor.objects.create(full_name=f"P {number}", vendor=vendor)
    for _ in range(2):
        make_user()
    path = f"{BASE}/employees{query}"
    everybody = [row["id"] for row in api.get(path).json()["results"]]

    forth = walked(api, path, size)
    separator = "&" if query else "?"
    page = api.get(f"{path}{separator}page_size={size}").json()
    pages = [page]
    while page["next"]:
        page = api.get(
            f"{path}{separator}page_size={size}&cursor={page['next']}"
        ).json()
        pages.append(page)
    back = [page]
    while page["previous"]:
        page = api.get(
            f"{path}{separator}page_size={size}&cursor={page['previous']}"
        ).json()
        back.append(page)

    assert len(everybody) == 6
    assert [row for part in forth for row in part] == everybody
    told = [[row["id"] for row in one["results"]] for one in pages]
    assert [[row["id"] for row in one["results"]] for one in reversed(back)] == told


def test_filters_narrow_and_habits_change_nothing(assignment):
    client = hr()
    other = Contractor.objects.create(full_name="B", vendor=assignment.vendor)

    def ids(query):
        return [r["id"] for r in client.get(f"{BASE}/{query}").json()["results"]]

    first = str(assignment.contractor.public_id)
    assert ids("employees?remote_id=W-1&include_deleted_data=true") == [first]
    assert ids(f"employments?employee_id={other.public_id}") == []
    assert ids("employees?modified_after=2026-06-16T00:00:00Z") == []
    assert ids(f"timesheet-entries?employee_id={first}") != []


def test_refusals_are_problems(assignment):
    client = hr()

    unknown = client.get(f"{BASE}/employees?expand=manager")
    missing = client.get(f"{BASE}/employees/{assignment.public_id}")
    nowhere = client.get(f"{BASE}/payslips")
    cursor = client.get(f"{BASE}/groups?cursor=x:y:z")
    written = client.post(f"{BASE}/employees", {})

    responses = (unknown, missing, nowhere, cursor, written)
    assert [r.status_code for r in responses] == [400, 404, 404, 422, 405]
    types = {response["Content-Type"] for response in responses}
    assert types == {"application/problem+json"}
    assert codes(unknown) == [("expand", "unknown")]


def test_scope_of_rows_and_keys_holds(assignment):
    stranger = client_for(make_user(Role.MANAGER), *SCOPES)
    poor = client_for(make_user(Role.HR_INTEGRATION), "engagements:read")
    nouns = ("employees", "employments", "timesheet-entries", "groups")

    seen = [stranger.get(f"{BASE}/{noun}").json()["results"] for noun in nouns]
    refused = {poor.get(f"{BASE}/{noun}").status_code for noun in nouns}

    # Themselves, and cost centers that are shared.
    assert [len(rows) for rows in seen[:3]] == [1, 0, 0]
    assert not any(row["type"] == "DEPARTMENT" for row in seen[3])
    assert refused == {403}


@pytest.mark.parametrize("count", [1, 3, 300])
def test_lists_take_the_same_queries_for_any_number(api, count):
    vendor = make_vendor()
    people = Contractor.objects.bulk_create(
        Contractor(full_name=f"P {number}", vendor=vendor) for number in range(count)
    )
    work = make_assignment(contractor=people[0], vendor=vendor)
    WorkLog.objects.bulk_create(
        WorkLog(engagement_id=work.pk, worked_on=date(2026, 3, 2), hours=Decimal(1))
        for _ in range(count)
    )
    found = {}
    for noun in ("employees", "employments", "timesheet-entries"):
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{BASE}/{noun}?page_size=1").status_code == 200
        found[noun] = len(captured)
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{BASE}/{noun}?page_size=200").status_code == 200
        found[f"{noun}, all"] = len(captured)

    # Two to know the caller, three the first time, and of employees whether people
    # are told as well; and what a list reads.
    people_too = 0 if count == 300 else 1
    assert found == {
        # One row more is looked for, among people where there is no other worker.
        "employees": 10 if count == 1 else 9,
        "employees, all": 8 + people_too,
        "employments": 5,
        "employments, all": 5,
        "timesheet-entries": 3,
        "timesheet-entries, all": 3,
    }
