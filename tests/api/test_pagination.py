from datetime import UTC, datetime

import pytest

from engagements.models import Contractor, Vendor
from tests.api.callers import codes
from tests.factories import make_vendor

pytestmark = pytest.mark.django_db

PATH = "/api/v1/vendors"


SINCE = "updated_since=2025-01-01T00:00:00Z"


@pytest.fixture
def five():
    """Five vendors, three of them changed in the same microsecond; in that order."""
    vendors = [make_vendor() for _ in range(5)]
    for vendor, hour in zip(vendors, (3, 1, 2, 2, 2), strict=True):
        Vendor.objects.filter(pk=vendor.pk).update(
            updated_at=datetime(2026, 1, 1, hour, tzinfo=UTC)
        )
    return [str(vendors[index].public_id) for index in (1, 2, 3, 4, 0)]


def walk(api, query, path=PATH, meanwhile=lambda: None):
    pages = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"{path}?{query}{cursor and '&cursor='}{cursor}").json()
        pages.append([row["id"] for row in page["results"]])
        cursor = page["next_cursor"]
        meanwhile()
    return pages


@pytest.mark.parametrize(
    ("size", "lengths"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (200, [5])]
)
def test_walk_over_changes_visits_each_row_once_in_order(api, five, size, lengths):
    pages = walk(api, f"page_size={size}&{SINCE}")

    assert [len(page) for page in pages] == lengths
    assert [row for page in pages for row in page] == five


def test_walk_over_everything_goes_by_creation(api, five):
    pages = walk(api, "page_size=2")

    assert [row for page in pages for row in page] == [five[-1], *five[:-1]]


def test_walk_misses_none_and_meets_none_twice_while_rows_are_changed(api):
    vendor = make_vendor()
    Contractor.objects.bulk_create(
        Contractor(full_name=f"P {number}", vendor=vendor) for number in range(60)
    )
    keys = list(Contractor.objects.order_by("pk").values_list("pk", "public_id"))
    changed = iter([key for key, _id in (*keys[::7], *reversed(keys))])

    def change_some() -> None:
        """Change rows before, on and after the page just read."""
        for _ in range(5):
            contractor = Contractor.objects.get(pk=next(changed))
            contractor.worker_number += "x"
            contractor.save()

    pages = walk(api, "page_size=7", "/api/v1/contractors", change_some)

    found = [row for page in pages for row in page]
    assert found == [str(public_id) for _pk, public_id in keys]


def test_row_changed_during_a_walk_over_changes_comes_again_as_it_is(api, five):
    first = api.get(f"{PATH}?{SINCE}&page_size=2").json()
    Vendor.objects.get(public_id=five[0]).save()
    cursor = first["next_cursor"]

    rest = api.get(f"{PATH}?{SINCE}&page_size=200&cursor={cursor}").json()

    assert [row["id"] for row in first["results"]] == five[:2]
    assert [row["id"] for row in rest["results"]] == [*five[2:], five[0]]


def test_walk_of_nothing_ends_at_once(api):
    assert api.get(PATH).json() == {"results": [], "next_cursor": None}


def test_page_size_may_change_during_a_walk(api, five):
    cursor = api.get(f"{PATH}?page_size=2&{SINCE}").json()["next_cursor"]

    page = api.get(f"{PATH}?page_size=3&{SINCE}&cursor={cursor}").json()

    assert [row["id"] for row in page["results"]] == five[2:]


@pytest.mark.parametrize("change", ["tier=approved&", "tier=preferred&"])
def test_cursor_is_bound_to_its_query(api, five, change):
    cursor = api.get(f"{PATH}?page_size=2").json()["next_cursor"]

    response = api.get(f"{PATH}?{change}page_size=2&cursor={cursor}")

    assert response.status_code == 422
    assert codes(response) == [("cursor", "cursor")]


def test_cursor_is_bound_to_its_list(api, five):
    cursor = api.get(f"{PATH}?page_size=2").json()["next_cursor"]

    assert api.get(f"/api/v1/engagements?cursor={cursor}").status_code == 422


def test_cursor_that_was_tampered_with_is_refused(api, five):
    cursor = api.get(f"{PATH}?page_size=2").json()["next_cursor"]

    statuses = {
        api.get(f"{PATH}?page_size=2&cursor={forged}").status_code
        for forged in ("x", cursor[:-1], f"A{cursor}", cursor.replace(":", "-"))
    }

    assert statuses == {422}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("page_size=0", ("page_size", "range")),
        ("page_size=201", ("page_size", "range")),
        ("page_size=1_0", ("page_size", "type")),
        ("page_size=%D9%A3", ("page_size", "type")),
        ("page_size=", ("page_size", "type")),
        ("cursor=", ("cursor", "min_length")),
        ("cursor=%00", ("cursor", "pattern")),
        ("updated_since=2026-01-01", ("updated_since", "pattern")),
        ("updated_since=2026-01-01T00:00:00", ("updated_since", "pattern")),
        ("updated_since=0001-01-01T00:00:00Z", ("updated_since", "pattern")),
        ("updated_since=2026-02-30T00:00:00Z", ("updated_since", "date")),
        ("ordering=legal_name", ("ordering", "unknown")),
        ("tier=approved&tier=approved", ("tier", "repeated")),
    ],
)
def test_parameter_that_breaks_the_schema_is_400(api, query, error):
    response = api.get(f"{PATH}?{query}")

    assert response.status_code == 400
    assert codes(response) == [error]
