"""The stream over HTTP: read from where one left off, within one's scope."""

import pytest

from engagements.choices import Role
from engagements.models import Vendor
from engagements.services.vendors import change_vendor
from tests.api.callers import client_for, codes
from tests.api.test_schema import check
from tests.factories import make_contract, make_department, make_user, make_vendor
from tracker.webhooks.services import publish_events

pytestmark = pytest.mark.django_db

PATH = "/api/v1/events"


def read(client, query=""):
    page = client.get(f"{PATH}?{query}").json()
    return [row["type"] for row in page["results"]], page


def test_stream_is_read_page_by_page_and_then_on(api):
    make_contract()
    vendor = Vendor.objects.get()
    publish_events()

    first, page = read(api, "page_size=1")
    second, end = read(api, f"page_size=1&cursor={page['next_cursor']}")
    nothing, later = read(api, f"cursor={end['next_cursor']}")
    vendor.legal_name = "Another name"
    change_vendor(vendor=vendor, actor=None)
    publish_events()
    third, last = read(api, f"cursor={later['next_cursor']}")

    assert (first, second, nothing, third) == (
        ["vendor.created"],
        ["engagement.created"],
        [],
        ["vendor.updated"],
    )
    assert [each["has_more"] for each in (page, end, later, last)] == [
        *(True, False, False, False)
    ]
    check("EventPage", last)
    assert last["results"][0]["data"] == {
        "object": "vendor",
        "id": str(vendor.public_id),
        "engagement_id": None,
        "changed": ["legal_name"],
        "is_deleted": False,
    }


def test_stream_can_begin_now(api):
    make_vendor()
    publish_events()
    none, page = read(api, "start=now")
    make_contract()
    publish_events()

    assert none == []
    assert read(api, f"cursor={page['next_cursor']}")[0] == [
        *("vendor.created", "engagement.created")
    ]


def test_cursor_is_bound_to_the_type_and_answers_304_while_nothing_happens(api):
    make_contract()
    publish_events()
    of_type, page = read(api, "type=engagement.created")
    cursor = page["next_cursor"]
    address = f"{PATH}?type=engagement.created&cursor={cursor}"
    etag = api.get(address)["ETag"]

    refused = api.get(f"{PATH}?cursor={cursor}")

    assert of_type == ["engagement.created"]
    assert (refused.status_code, codes(refused)) == (422, [("cursor", "cursor")])
    assert api.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert api.get(f"{PATH}?cursor=x").status_code == 422
    assert api.get(f"{PATH}?start=then").status_code == 400
    assert api.get(f"{PATH}?type=job.failed").status_code == 400


def test_manager_reads_of_their_own_departments(api):
    own = make_department()
    manager = client_for(make_user(Role.MANAGER, department=own), "events:read")
    make_contract(department=own)
    make_contract(department=make_department())
    publish_events()

    assert read(manager, "type=engagement.created")[0] == ["engagement.created"]
    seen = [row["id"] for row in read(api)[1]["results"]]
    statuses = [manager.get(f"{PATH}/{number}").status_code for number in seen]
    assert sorted(statuses) == [200, 200, 200, 404]
    without_scope = client_for(make_user(Role.MANAGER), "vendors:read")
    assert without_scope.get(PATH).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_number_of_queries_does_not_grow(api, count, django_assert_num_queries):
    for _ in range(count):
        make_vendor()
    publish_events()
    api.get(PATH)

    # Key, roles, permissions, the last place and the page.
    with django_assert_num_queries(6):
        assert len(read(api)[0]) == count
