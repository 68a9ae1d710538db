from collections import Counter

import pytest

from engagements.choices import Role
from tests.api.callers import at_once, client_for
from tests.factories import make_user, make_vendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def path():
    return f"/api/v1/vendors/{make_vendor(legal_name='Acme').public_id}"


def test_change_without_if_match_is_428(api, path):
    assert api.patch(path, {"tier": "preferred"}).status_code == 428


def test_change_of_what_was_changed_since_is_412(api, path):
    read = api.get(path)["ETag"]

    first = api.patch(path, {"tier": "preferred"}, headers={"If-Match": read})
    second = api.patch(path, {"tier": "strategic"}, headers={"If-Match": read})

    assert [first.status_code, second.status_code] == [200, 412]
    assert api.get(path).json()["tier"] == "preferred"


def test_change_may_follow_a_change(api, path):
    first = api.patch(path, {"tier": "preferred"}, headers={"If-Match": "*"})

    second = api.patch(
        path, {"tier": "strategic"}, headers={"If-Match": f'"x", {first["ETag"]}'}
    )

    assert second.status_code == 200


@pytest.mark.parametrize("given", ['"x"', "", 'W/"x"', "\x01"])
def test_if_match_that_names_nothing_is_412(api, path, given):
    response = api.patch(path, {"tier": "preferred"}, headers={"If-Match": given})

    assert response.status_code == 412


def test_weak_tag_never_matches_a_change(api, path):
    weak = f"W/{api.get(path)['ETag']}"

    response = api.patch(path, {"tier": "preferred"}, headers={"If-Match": weak})

    assert response.status_code == 412


def test_reading_what_has_not_changed_is_304(api, path):
    first = api.get(path)

    for tag in (first["ETag"], f"W/{first['ETag']}", "*"):
        again = api.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]


def test_upsert_honours_if_match_and_if_none_match(api, path):
    by_external_id = "/api/v1/vendors/by-external-id/V-1"
    body = {"legal_name": "Other"}

    statuses = [
        api.put(by_external_id, body, headers=headers).status_code
        for headers in (
            {"If-Match": "*"},
            {"If-None-Match": "*"},
            {"If-None-Match": "*"},
            {"If-Match": '"stale"'},
            {"If-Match": "*"},
        )
    ]

    assert statuses == [412, 201, 412, 412, 200]


@pytest.mark.django_db(transaction=True)
def test_of_forty_updates_with_one_etag_one_is_made():
    client = client_for(make_user(Role.ADMINISTRATOR), "vendors:write")
    path = f"/api/v1/vendors/{make_vendor().public_id}"
    etag = client.get(path)["ETag"]

    def edit(days):
        body = {"payment_terms_days": days}
        return client.patch(path, body, headers={"If-Match": etag}).status_code

    statuses = at_once(edit, range(100, 140))

    assert Counter(statuses) == {200: 1, 412: 39}
