"""Endpoints and deliveries over HTTP."""

import pytest

from engagements.choices import Role
from engagements.models import Event
from tests.api.callers import client_for, codes
from tests.api.test_schema import check
from tests.factories import make_user, make_vendor
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import answers, receiving
from tracker.api.models import IdempotencyKey
from tracker.api.scopes import SCOPES
from tracker.webhooks.models import WebhookDelivery, WebhookEndpoint
from tracker.webhooks.services import deliver_due, publish_events
from tracker.webhooks.signing import secret_of

pytestmark = pytest.mark.django_db

ENDPOINTS = "/api/v1/webhook-endpoints"
DELIVERIES = "/api/v1/webhook-deliveries"
BODY = {
    "name": "HiBob",
    "url": "https://receiver.example/hook",
    "event_types": ["engagement.ended", "contractor.ended"],
}


def test_secret_is_answered_at_creation_and_rotation_alone(api):
    created = api.post(ENDPOINTS, BODY)
    row = created.json()
    secret = row.pop("secret")
    endpoint = WebhookEndpoint.objects.get()

    read = api.get(created["Location"]).json()
    rotated = api.post(f"{created['Location']}/rotate-secret", {}).json()

    assert created.status_code == 201
    assert created["Cache-Control"] == "no-store"
    assert secret == secret_of(endpoint.secret_seed)
    assert read == row
    check("EndpointRecord", read)
    assert rotated["secret"] not in (secret, None)
    assert rotated["previous_secret_until"] is not None
    assert "whsec_" not in str(api.get(ENDPOINTS).json())
    assert secret not in str(list(Event.objects.values("changes")))


def test_replayed_answer_holds_no_secret_and_the_same_endpoint(api):
    header = {"Idempotency-Key": "once"}

    first, again = (api.post(ENDPOINTS, BODY, headers=header) for _ in range(2))

    known = first.json()
    assert WebhookEndpoint.objects.count() == 1
    assert known.pop("secret").startswith("whsec_")
    assert again.json() == known
    assert again["ETag"] == first["ETag"] == api.get(first["Location"])["ETag"]
    assert b"whsec_" not in bytes(IdempotencyKey.objects.get().body)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"url": "http://receiver.example/"}, 422, ("/url", "url")),
        ({"url": "https://10.0.0.1/"}, 422, ("/url", "url")),
        ({"url": "https://localhost/"}, 422, ("/url", "url")),
        ({"url": 1}, 400, ("/url", "type")),
        ({"event_types": []}, 400, ("/event_types", "unique")),
        ({"event_types": ["a", "a"]}, 400, ("/event_types", "choice")),
        ({"event_types": [1]}, 400, ("/event_types", "type")),
        ({"event_types": {}}, 400, ("/event_types", "type")),
        ({"secret": "mine"}, 400, ("/secret", "unknown")),
    ],
)
def test_endpoint_that_cannot_be_is_refused(api, change, status, error):
    response = api.post(ENDPOINTS, BODY | change)

    assert (response.status_code, codes(response)) == (status, [error])


def test_change_needs_what_was_read(api):
    address = api.post(ENDPOINTS, BODY)["Location"]
    etag = api.get(address)["ETag"]

    unread = api.patch(address, {"name": "B"})
    done = api.patch(address, {"is_enabled": False}, headers={"If-Match": etag})
    stale = api.patch(address, {"name": "B"}, headers={"If-Match": etag})
    stale_end = api.delete(address, headers={"If-Match": etag})

    assert [r.status_code for r in (unread, done, stale, stale_end)] == [
        *(428, 200, 412, 412)
    ]
    assert (done.json()["is_enabled"], done.json()["disabled_because"]) == (
        False,
        "by_hand",
    )
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_key_cannot_have_sent_what_it_may_not_read():
    owner = make_user(Role.HR_INTEGRATION)
    narrow = client_for(owner, "webhooks:write")

    assert narrow.post(ENDPOINTS, BODY).status_code == 403
    assert client_for(owner, "webhooks:write", "events:read").post(
        ENDPOINTS, BODY
    ).json()["owner"] == {"id": str(owner.public_id)}


def test_endpoint_of_another_is_not_there():
    theirs = make_endpoint(make_user(Role.FINANCE))
    client = client_for(make_user(Role.HR_INTEGRATION), *SCOPES)

    assert client.get(ENDPOINTS).json()["results"] == []
    for address in (f"{ENDPOINTS}/{theirs.public_id}",):
        assert client.get(address).status_code == 404
        assert client.post(f"{address}/test", {}).status_code == 404
        assert client.post(f"{address}/rotate-secret", {}).status_code == 404


def test_test_delivery_and_replay_are_read_with_their_answers(api, settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with receiving(answers(500, "out of order")) as receiver:
        address = api.post(ENDPOINTS, BODY | {"url": receiver.url})["Location"]
        tested = api.post(f"{address}/test", {})
        deliver_due()
        waiting = api.get(tested["Location"])
        too_soon = api.post(f"{tested['Location']}/replay", {})
        WebhookDelivery.objects.update(state="dead")
        again = api.post(f"{tested['Location']}/replay", {})

    assert tested.status_code == 201
    check("DeliveryWithLog", waiting.json())
    assert [
        (line["number"], line["status"], line["answer"])
        for line in waiting.json()["log"]
    ] == [(1, 500, "out of order")]
    assert (too_soon.status_code, again.status_code) == (409, 200)
    assert (again.json()["state"], again.json()["attempts"]) == ("waiting", 0)


@pytest.mark.parametrize("count", [1, 3])
def test_lists_filter_and_ask_as_much_for_three_as_for_one(
    api, administrator, count, django_assert_num_queries
):
    endpoint = make_endpoint(administrator)
    make_endpoint(administrator, event_types=["engagement.ended"])
    for _ in range(count):
        make_vendor()
    publish_events()
    query = f"state=waiting&endpoint={endpoint.public_id}"
    api.get(DELIVERIES)

    with django_assert_num_queries(3):
        page = api.get(f"{DELIVERIES}?{query}").json()
    with django_assert_num_queries(3):
        endpoints = api.get(ENDPOINTS).json()

    check("DeliveryPage", page)
    check("EndpointPage", endpoints)
    assert (len(page["results"]), len(endpoints["results"])) == (count, 2)
    assert api.get(f"{DELIVERIES}?state=dead").json()["results"] == []
