from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import Event
from tests.api.callers import client_for, codes
from tests.api.test_schema import check
from tests.factories import begun, make_contract, make_department, make_user
from tests.spend.sheets import MONDAY, begin, fill, make_running, make_team
from tracker.api.scopes import SCOPES
from tracker.spend.models import LedgerEntry, WorkLog
from tracker.spend.services import approve_timesheet, enter_hours, submit_timesheet

pytestmark = pytest.mark.django_db

PATH = "/api/v1/timesheet-entries"


@pytest.fixture(autouse=True)
def midsummer():
    with time_machine.travel(datetime(2026, 6, 15, 9, tzinfo=UTC), tick=True):
        yield


def entry(work, **fields):
    return {
        "source_id": "T-1",
        "engagement": {"id": str(work.public_id)},
        "worked_on": "2026-03-02",
        "hours": "7.5",
    } | fields


def test_entry_is_recorded_once_and_accrued(api):
    assignment = make_running()

    created = api.post(PATH, entry(assignment, description="Pairing"))
    again = api.post(PATH, entry(assignment, description="Pairing"))
    other = api.post(PATH, entry(assignment, hours="8"))

    assert [r.status_code for r in (created, again, other)] == [201, 200, 422]
    assert codes(other) == [("/source_id", "invalid")]
    row = created.json()
    check("TimeEntryRecord", row)
    assert again.json() == row == api.get(created["Location"]).json()
    assert (row["hours"], row["external_id"]) == ("7.5", "T-1")
    assert row["contractor"]["id"] == str(assignment.contractor.public_id)
    assert row["approval_status"] is None
    assert [one.amount for one in LedgerEntry.objects.all()] == [Decimal("562.50")]


def test_batch_stores_all_or_names_every_line_that_is_wrong(api):
    running = make_running()
    draft = make_contract()
    late = (date(2026, 6, 15) + timedelta(days=1)).isoformat()
    sheet_of = make_running()
    fill(begin(sheet_of), {0: "8"})
    lines = [
        entry(running),
        entry(running, source_id="T-2", engagement={"external_id": "none"}),
        entry(draft, source_id="T-3"),
        entry(running, source_id="T-4", worked_on=late),
        entry(running, source_id="T-5", worked_on="2025-12-31"),
        entry(sheet_of, source_id="T-6"),
        entry(running, source_id="T-7", contractor={"external_id": "nobody"}),
        entry(running, source_id="T-8", hours="24.5"),
        entry(running, source_id="T-9", hours="0"),
        entry(running, source_id="T-10"),
        entry(running, source_id="T-10"),
    ]

    refused = api.post(f"{PATH}/batch", {"entries": lines})
    stored = WorkLog.objects.filter(timesheet=None).count()
    done = api.post(f"{PATH}/batch", {"entries": [lines[0], lines[9]]})
    before = Event.objects.count()
    again = api.post(f"{PATH}/batch", {"entries": [lines[0], lines[9]]})

    assert (refused.status_code, stored) == (422, 0)
    assert [pointer for pointer, _code in codes(refused)] == [
        "/entries/1/engagement",
        "/entries/2/engagement",
        "/entries/3/worked_on",
        "/entries/4/worked_on",
        "/entries/5/worked_on",
        "/entries/6/contractor",
        "/entries/7/hours",
        "/entries/8/hours",
        "/entries/9/source_id",
        "/entries/10/source_id",
    ]
    assert done.json() == {"created": 2, "unchanged": 0}
    assert again.json() == {"created": 0, "unchanged": 2}
    assert Event.objects.count() == before


def test_days_outside_of_the_engagement_and_over_24_hours_are_named(api):
    assignment = make_running(ends_on=date(2026, 3, 31))
    named = {"contractor": {"id": str(assignment.contractor.public_id)}}
    contract = begun(make_contract(starts_on=date(2026, 2, 1)))
    lines = [
        entry(assignment, worked_on="2026-04-01"),
        entry(contract, source_id="T-2", worked_on="2026-01-31"),
        entry(assignment, source_id="T-3", hours="14"),
        entry(contract, source_id="T-4", hours="10.5", **named),
        entry(contract, source_id="T-5", hours="10", **named),
    ]

    refused = api.post(f"{PATH}/batch", {"entries": lines})
    done = api.post(f"{PATH}/batch", {"entries": [lines[2], lines[4]]})

    assert [pointer for pointer, _code in codes(refused)] == [
        "/entries/0/worked_on",
        "/entries/1/worked_on",
        "/entries/3/hours",
    ]
    assert done.json() == {"created": 2, "unchanged": 0}


def test_withdrawn_entry_counts_nowhere_and_can_come_corrected(api):
    assignment = make_running()
    created = api.post(PATH, entry(assignment))
    address = f"{created['Location']}/withdraw"

    unsaid = api.post(address, {"reason": " "})
    with time_machine.travel(datetime(2026, 6, 16, 9, tzinfo=UTC), tick=True):
        withdrawn = api.post(address, {"reason": "Told twice"})
    again = api.post(address, {"reason": "Told twice"})
    same = api.post(PATH, entry(assignment))
    corrected = api.post(PATH, entry(assignment, hours="5"))

    refused = (unsaid, again)
    assert [r.status_code for r in refused] == [400, 409]
    assert [r.status_code for r in (withdrawn, same, corrected)] == [200, 200, 201]
    row = withdrawn.json()
    check("TimeEntryRecord", row)
    assert (row["external_id"], row["withdrawn_reason"]) == ("T-1", "Told twice")
    assert row["withdrawn_at"].startswith("2026-06-16T09:00")
    assert same.json() == row
    assert [one.hours for one in WorkLog.objects.counted()] == [Decimal(5)]
    # The list is of what stands; who asks what changed is told of it.
    listed = api.get(PATH).json()["results"]
    changed = api.get(f"{PATH}?updated_since=2026-06-16T00:00:00Z").json()["results"]
    assert [one["hours"] for one in listed] == ["5"]
    assert [one["id"] for one in changed] == [row["id"]]
    merged = api.get(
        "/hris/v1/timesheet-entries?modified_after=2026-06-16T00:00:00Z"
    ).json()["results"]
    assert [(one["id"], one["remote_was_deleted"]) for one in merged] == [
        (row["id"], True)
    ]


def test_hours_of_a_managed_contract_need_no_person(api):
    contract = begun(make_contract())

    response = api.post(PATH, entry(contract, hours="160"))

    assert response.status_code == 201
    assert response.json()["contractor"] is None
    assert LedgerEntry.objects.count() == 0


def test_approval_of_a_sheet_is_a_change_of_its_entries(api):
    assignment, manager, colleague = make_team()
    sheet = fill(begin(assignment), {0: "8", 1: "7"})
    other = api.post(PATH, entry(make_running())).json()
    with time_machine.travel(datetime(2026, 6, 16, 9, tzinfo=UTC), tick=True):
        submit_timesheet(timesheet=sheet, actor=manager)
        approve_timesheet(timesheet=sheet, actor=colleague)

    changed = api.get(f"{PATH}?updated_since=2026-06-16T00:00:00Z&page_size=1").json()
    cursor = changed["next_cursor"]
    rest = api.get(
        f"{PATH}?updated_since=2026-06-16T00:00:00Z&page_size=1&cursor={cursor}"
    ).json()
    rows = changed["results"] + rest["results"]
    approved = api.get(f"{PATH}?approval_status=APPROVED").json()["results"]
    everything = api.get(PATH).json()["results"]

    assert [row["approval_status"] for row in rows] == ["APPROVED"] * 2
    assert rest["next_cursor"] is None
    assert rows == approved
    assert everything == [*approved, other]
    assert min(row["updated_at"] for row in rows) >= "2026-06-16"


def test_line_taken_out_of_a_sheet_leaves_a_tombstone(api):
    sheet = fill(begin(make_running()), {0: "8", 1: "7"})
    gone, _kept = sheet.lines.order_by("worked_on")
    lines = [WorkLog(worked_on=MONDAY + timedelta(days=1), hours=Decimal(7))]
    enter_hours(timesheet=sheet, lines=lines, actor=None)

    page = api.get(f"{PATH}?updated_since=2026-01-01T00:00:00Z").json()

    assert [row["hours"] for row in page["results"]] == ["7"]
    assert [row["id"] for row in page["deleted"]] == [str(gone.public_id)]


def test_manager_reads_and_records_only_within_their_scope():
    manager = make_user(Role.MANAGER)
    ours = make_running(department=make_department(head=manager))
    theirs = make_running(department=make_department(), title="Canary")
    client = client_for(manager, *SCOPES)
    seen = client.post(PATH, entry(ours)).json()
    WorkLog.objects.create(
        engagement=theirs,
        contractor=theirs.contractor,
        worked_on=MONDAY,
        hours=Decimal(8),
    )

    refused = client.post(PATH, entry(theirs, source_id="T-2"))
    rows = client.get(PATH).json()["results"]

    assert (refused.status_code, codes(refused)) == (422, [("/engagement", "invalid")])
    assert rows == [seen]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_list_and_batch_take_the_same_queries_for_any_number(api, count):
    assignment = make_running()
    lines = [
        entry(
            assignment,
            source_id=f"T-{number}",
            worked_on=(date(2026, 1, 1) + timedelta(days=number % 150)).isoformat(),
        )
        for number in range(count)
    ]
    api.post(f"{PATH}/batch", {"entries": lines})

    with CaptureQueriesContext(connection) as listed:
        page = api.get(f"{PATH}?page_size=200").json()
    with CaptureQueriesContext(connection) as replayed:
        done = api.post(f"{PATH}/batch", {"entries": lines}).json()

    assert len(page["results"]) == min(count, 200)
    assert done == {"created": 0, "unchanged": count}
    # Two to know the caller; the entries.
    assert len(listed) == 3
    # Two; engagements, sheets, rates, assignments, those recorded and withdrawn.
    assert len(replayed) == 8
