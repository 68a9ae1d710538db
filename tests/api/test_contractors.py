from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import EndReason, Role, Status
from engagements.models import Assignment, Contractor, Engagement, Event, Skill
from engagements.services.engagements import change_engagement
from tests.api.callers import client_for, codes, put
from tests.api.test_schema import check
from tests.factories import (
    make_assignment,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.api.scopes import SCOPES

pytestmark = pytest.mark.django_db

PATH = "/api/v1/contractors"


@pytest.fixture(autouse=True)
def midsummer():
    with time_machine.travel(datetime(2026, 6, 15, 9, tzinfo=UTC), tick=False):
        yield


def make_contractor(**fields):
    fields.setdefault("vendor", make_vendor())
    return Contractor.objects.create(**{"full_name": "Ada Maria Byron"} | fields)


def placed(contractor, status=Status.ACTIVE, **fields):
    work = make_assignment(contractor=contractor, vendor=contractor.vendor, **fields)
    reason = EndReason.COMPLETED if status == Status.ENDED else ""
    Engagement.objects.filter(pk=work.pk).update(status=status, end_reason=reason)
    return work


def body(vendor, **fields):
    return {
        "full_name": "Ada Byron",
        "vendor": {"id": str(vendor.public_id)},
    } | fields


def test_contractor_is_told_with_where_they_work(api):
    department = make_department(code="IT", name="Technology")
    manager = make_user(Role.MANAGER, first_name="Max", last_name="Muster")
    small, large = make_cost_centre(code="S"), make_cost_centre(code="L")
    contractor = make_contractor(work_email="ada@example.org", worker_number="W-1")
    contractor.skills.add(Skill.objects.create(name="Python"))
    earlier = placed(contractor, Status.ENDED, ends_on=date(2026, 2, 28))
    now = placed(
        contractor,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 12, 31),
        role="Engineer",
        manager=manager,
        department=department,
        cost_shares={small: Decimal("33.3"), large: Decimal("66.7")},
    )

    row = api.get(f"{PATH}/{contractor.public_id}").json()

    check("ContractorRecord", row)
    assert [work["reference"] for work in row["engagements"]] == [
        earlier.reference,
        now.reference,
    ]
    told = {
        "full_name": "Ada Maria Byron",
        "first_name": "Ada Maria",
        "last_name": "Byron",
        "work_email": "ada@example.org",
        "worker_number": "W-1",
        "employment_type": "CONTRACTOR",
        "employment_status": "ACTIVE",
        "job_title": "Engineer",
        "start_date": "2026-01-01",
        "end_date": "2026-12-31",
        "end_reason": None,
        "skills": ["Python"],
    }
    assert {name: row[name] for name in told} == told
    assert row["manager"]["name"] == "Max Muster"
    assert (row["department"]["code"], row["cost_center"]["code"]) == ("IT", "L")


@pytest.mark.parametrize(
    ("status", "starts_on", "standing"),
    [
        (Status.ACTIVE, date(2026, 6, 15), "ACTIVE"),
        (Status.ACTIVE, date(2026, 6, 16), "PENDING"),
        (Status.DRAFT, date(2026, 1, 1), "PENDING"),
        (Status.ENDED, date(2026, 1, 1), "INACTIVE"),
        (Status.CANCELLED, date(2026, 1, 1), "INACTIVE"),
    ],
)
def test_employment_status_is_told_and_filtered_alike(api, status, starts_on, standing):
    placed(make_contractor(), status, starts_on=starts_on)

    (row,) = api.get(PATH).json()["results"]
    counts = {
        word: len(api.get(f"{PATH}?employment_status={word}").json()["results"])
        for word in ("ACTIVE", "PENDING", "INACTIVE")
    }

    assert row["employment_status"] == standing
    assert counts == dict.fromkeys(counts, 0) | {standing: 1}


def test_list_and_single_have_the_same_shape(api):
    for _ in range(3):
        placed(make_contractor())

    rows = api.get(PATH).json()["results"]

    assert rows == [api.get(f"{PATH}/{row['id']}").json() for row in rows]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_list_takes_the_same_queries_for_any_number(api, count):
    vendor = make_vendor()
    Contractor.objects.bulk_create(
        Contractor(full_name=f"P {number}", vendor=vendor) for number in range(count)
    )
    placed(Contractor.objects.first())

    with CaptureQueriesContext(connection) as captured:
        page = api.get(f"{PATH}?page_size=200").json()

    assert len(page["results"]) == min(count, 200)
    # Three to know the caller; contractors, engagements, skills, cost splits.
    assert len(captured) == 7


def test_upsert_creates_then_changes_then_writes_nothing(api):
    vendor = make_vendor()
    Skill.objects.create(name="Python")
    told = body(vendor, employment_type="FREELANCE", skills=["Python"])

    created = put(api, "contractors", "W-1", told)
    changed = put(
        api, "contractors", "W-1", told | {"worker_number": "7", "skills": []}
    )
    before = Event.objects.count()
    replayed = put(
        api, "contractors", "W-1", told | {"worker_number": "7", "skills": []}
    )

    assert [r.status_code for r in (created, changed, replayed)] == [201, 200, 200]
    assert created.json()["skills"] == ["Python"]
    assert created.json()["employment_type"] == "FREELANCE"
    assert (changed.json()["worker_number"], changed.json()["skills"]) == ("7", [])
    assert replayed["ETag"] == changed["ETag"]
    assert Event.objects.count() == before


def test_unknown_skill_is_refused(api):
    response = put(api, "contractors", "W-1", body(make_vendor(), skills=["Alchemy"]))

    assert response.status_code == 422
    assert codes(response) == [("/skills/0", "not_found")]


def test_erased_contractor_stays_as_they_are(api):
    vendor = make_vendor()
    make_contractor(
        external_id="W-1",
        full_name="Erased",
        vendor=vendor,
        erased_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    line = body(vendor, external_id="W-1")

    single = put(api, "contractors", "W-1", body(vendor))
    batch = api.post(f"{PATH}/batch", {"contractors": [line]})

    assert (single.status_code, batch.status_code) == (409, 409)
    assert Contractor.objects.get(external_id="W-1").full_name == "Erased"


def test_batch_creates_changes_and_writes_nothing_again(api):
    vendor = make_vendor(external_id="V-1")
    make_contractor(external_id="W-0", vendor=vendor)
    make_contractor(external_id="W-1", full_name="Ada Byron", vendor=vendor)
    Skill.objects.create(name="Python")
    lines = [
        body(vendor, external_id="W-0", worker_number="7"),
        body(vendor, external_id="W-1"),
        body(vendor, external_id="W-2", skills=["Python"], work_email="a@example.org")
        | {"vendor": {"external_id": "V-1"}},
    ]

    first = api.post(f"{PATH}/batch", {"contractors": lines}).json()
    written = list(Event.objects.order_by("id").values_list("event_type", flat=True))
    moments = list(
        Contractor.objects.values_list("external_id", "updated_at", "version")
    )
    again = api.post(f"{PATH}/batch", {"contractors": lines}).json()

    assert first == {"created": 1, "changed": 1, "unchanged": 1}
    assert again == {"created": 0, "changed": 0, "unchanged": 3}
    assert written[-3:] == [
        "contractor.changed",
        "contractor.created",
        "contractor.skills_set",
    ]
    assert Event.objects.count() == len(written)
    assert moments == list(
        Contractor.objects.values_list("external_id", "updated_at", "version")
    )
    row = api.get(f"{PATH}/by-external-id/W-2").json()
    assert (row["skills"], row["work_email"]) == (["Python"], "a@example.org")
    personal = Event.objects.get(event_type="contractor.changed").changes["full_name"]
    assert personal == ["(personal)", "(personal)"]


@pytest.mark.parametrize("count", [1, 3])
def test_batch_takes_the_same_queries_for_any_number(api, count):
    vendor = make_vendor()
    lines = [body(vendor, external_id=f"W-{number}") for number in range(count)]

    with CaptureQueriesContext(connection) as captured:
        done = api.post(f"{PATH}/batch", {"contractors": lines})

    assert done.json() == {"created": count, "changed": 0, "unchanged": 0}
    # The caller; vendors, those out of sight, savepoints, those stored, the inserts,
    # and what awaits publishing.
    assert len(captured) == 13


def test_batch_names_every_line_that_is_wrong_and_stores_none(api):
    vendor = make_vendor()
    lines = [
        body(vendor, external_id="W-1"),
        body(vendor, external_id="W-1"),
        body(vendor, external_id="W-2") | {"vendor": {"external_id": "none"}},
        body(vendor, external_id="W-3", skills=["Alchemy"]),
        body(vendor, external_id="W-4", work_email="a..b@example.org"),
    ]

    response = api.post(f"{PATH}/batch", {"contractors": lines})

    assert response.status_code == 422
    assert [pointer for pointer, _code in codes(response)] == [
        "/contractors/0/external_id",
        "/contractors/1/external_id",
        "/contractors/2/vendor",
        "/contractors/3/skills",
        "/contractors/4/work_email",
    ]
    assert Contractor.objects.count() == 0


def test_change_of_an_engagement_is_a_change_of_its_contractor(api):
    first, second = make_contractor(), make_contractor()
    work = placed(first)
    since = "2026-06-15T10:00:00Z"

    with time_machine.travel(datetime(2026, 6, 15, 10, 5, tzinfo=UTC), tick=False):
        stored = Assignment.objects.get(pk=work.pk)
        stored.contractor = second
        change_engagement(engagement=stored, actor=None)
    rows = api.get(f"{PATH}?updated_since={since}").json()["results"]

    # Whose work it was, and whose it is now.
    assert [row["id"] for row in rows] == [
        str(first.public_id),
        str(second.public_id),
    ]


def test_manager_sees_contractors_at_work_within_their_scope():
    manager = make_user(Role.MANAGER)
    ours = make_department(head=manager)
    theirs = make_department()
    shared, hidden = make_contractor(), make_contractor(external_id="canary")
    seen = placed(shared, department=ours)
    placed(shared, department=theirs, title="Canary")
    placed(hidden, department=theirs)
    client = client_for(manager, *SCOPES)

    answered = client.get(PATH)
    (row,) = answered.json()["results"]
    taken = put(client, "contractors", "canary", body(shared.vendor))
    batch = client.post(
        f"{PATH}/batch", {"contractors": [body(shared.vendor, external_id="canary")]}
    )

    assert [work["reference"] for work in row["engagements"]] == [seen.reference]
    assert "anary" not in answered.content.decode()
    assert (taken.status_code, batch.status_code) == (409, 422)


def test_rates_are_never_told_of_contractors(api):
    placed(make_contractor(), rate=Decimal("1234.56"))

    assert "1234" not in api.get(PATH).content.decode()
