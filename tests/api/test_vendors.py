import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from engagements.choices import Role
from engagements.models import Event, Vendor
from tests.api.callers import client_for, codes, put
from tests.factories import make_user, make_vendor

pytestmark = pytest.mark.django_db

ACME = {"legal_name": "Acme Services Ltd"}


def test_upsert_creates_then_changes_then_leaves_alone(api, administrator):
    created = put(api, "vendors", "V-1", ACME | {"tax_id": "GB123"})
    changed = put(api, "vendors", "V-1", ACME | {"payment_terms_days": 60})
    repeated = put(api, "vendors", "V-1", ACME | {"payment_terms_days": 60})

    assert [r.status_code for r in (created, changed, repeated)] == [201, 200, 200]
    vendor = Vendor.objects.get()
    assert created["Location"] == f"/api/v1/vendors/{vendor.public_id}"
    assert repeated.content == changed.content
    assert repeated["ETag"] == changed["ETag"] != created["ETag"]
    events = Event.objects.filter(subject_type="vendor").order_by("id")
    assert [(e.event_type, e.changes, e.actor) for e in events][1:] == [
        ("vendor.changed", {"payment_terms_days": [30, 60]}, administrator)
    ]


def test_vendor_is_answered_in_full(api):
    body = ACME | {
        "standing": "on_hold",
        "tier": "preferred",
        "allows_managed": False,
        "allows_augmented": True,
        "currency": "EUR",
        "payment_terms_days": 45,
        "tax_id": None,
        "country": "IE",
    }

    answer = put(api, "vendors", "V-1", body).json()

    vendor = Vendor.objects.get()
    assert answer == body | {
        "id": str(vendor.public_id),
        "external_id": "V-1",
        "created_at": written(vendor.created_at),
        "updated_at": written(vendor.updated_at),
    }


def written(moment):
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def test_field_left_out_stays_as_it_is_and_null_clears_it(api):
    put(api, "vendors", "V-1", ACME | {"tax_id": "GB123", "tier": "preferred"})

    kept = put(api, "vendors", "V-1", ACME).json()
    cleared = put(api, "vendors", "V-1", ACME | {"tax_id": None}).json()

    assert (kept["tax_id"], kept["tier"]) == ("GB123", "preferred")
    assert (cleared["tax_id"], cleared["tier"]) == (None, "preferred")


def test_external_id_may_hold_a_slash_and_a_percent_sign(api):
    response = put(api, "vendors", "erp%2F100%25%20A", ACME)

    assert response.status_code == 201
    assert response.json()["external_id"] == "erp/100% A"


def test_vendor_of_the_same_name_is_a_conflict(api):
    make_vendor(legal_name="ACME SERVICES LIMITED")

    response = put(api, "vendors", "V-1", ACME)

    assert response.status_code == 409
    assert codes(response) == [("/legal_name", "unique")]


def test_vendor_is_linked_to_another_system_by_its_id(api):
    vendor = make_vendor()
    path = f"/api/v1/vendors/{vendor.public_id}"
    etag = api.get(path)["ETag"]

    linked = api.patch(path, {"external_id": "V-9"}, headers={"If-Match": etag})

    assert linked.status_code == 200
    assert api.get("/api/v1/vendors/by-external-id/V-9").json() == linked.json()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, ("/legal_name", "required")),
        (ACME | {"legal_name": None}, ("/legal_name", "null")),
        (ACME | {"legal_name": 5}, ("/legal_name", "type")),
        (ACME | {"legal_name": " Acme"}, ("/legal_name", "pattern")),
        (ACME | {"legal_name": "A" * 201}, ("/legal_name", "max_length")),
        (ACME | {"tier": "gold"}, ("/tier", "choice")),
        (ACME | {"allows_managed": "yes"}, ("/allows_managed", "type")),
        (ACME | {"payment_terms_days": True}, ("/payment_terms_days", "type")),
        (ACME | {"payment_terms_days": 731}, ("/payment_terms_days", "range")),
        (ACME | {"normalised_name": "x"}, ("/normalised_name", "unknown")),
        (ACME | {"id": "x"}, ("/id", "unknown")),
        (ACME | {"a/b~c": "x"}, ("/a~1b~0c", "unknown")),
    ],
)
def test_body_that_breaks_the_schema_is_400(api, body, error):
    response = put(api, "vendors", "V-1", body)

    assert response.status_code == 400
    assert codes(response) == [error]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (ACME | {"currency": "XXQ"}, "/currency"),
        (ACME | {"legal_name": "…"}, "/legal_name"),
        (ACME | {"legal_name": "\u0390" * 200}, "/legal_name"),
        (ACME | {"allows_managed": False, "allows_augmented": False}, ""),
    ],
)
def test_body_that_says_what_cannot_be_is_422(api, body, pointer):
    response = put(api, "vendors", "V-1", body)

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert Vendor.objects.count() == 0


def test_list_is_filtered_by_its_parameters(api):
    make_vendor(legal_name="A", tier="preferred")
    make_vendor(legal_name="B", standing="blocked")

    names = [
        [row["legal_name"] for row in api.get(path).json()["results"]]
        for path in (
            "/api/v1/vendors?tier=preferred",
            "/api/v1/vendors?standing=blocked",
            "/api/v1/vendors?standing=active&tier=strategic",
        )
    ]

    assert names == [["A"], ["B"], []]


def test_finance_may_change_vendors():
    client = client_for(make_user(Role.FINANCE), "vendors:write")

    assert put(client, "vendors", "V-1", ACME).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_racing_creators_have_one_effect():
    client = client_for(make_user(Role.ADMINISTRATOR), "vendors:write")
    line = threading.Barrier(8)
    statuses = []

    def create():
        line.wait()
        statuses.append(put(client, "vendors", "V-1", ACME).status_code)
        connection.close()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] * 7 + [201]
    assert Vendor.objects.count() == 1
    assert Event.objects.filter(event_type="vendor.registered").count() == 1


def test_updated_since_keeps_what_changed_then_or_later(api):
    old, new = make_vendor(), make_vendor()
    Vendor.objects.filter(pk=old.pk).update(updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    moment = datetime(2026, 2, 1, 12, tzinfo=UTC)
    Vendor.objects.filter(pk=new.pk).update(updated_at=moment)

    pages = [
        api.get(f"/api/v1/vendors?updated_since={at}").json()["results"]
        for at in ("2026-02-01T13:00:00%2B01:00", "2026-02-01T12:00:00.000001Z")
    ]

    found = [[row["id"] for row in page] for page in pages]
    assert found == [[str(new.public_id)], []]
