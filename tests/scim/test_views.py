"""Who may ask, and how what can't be is refused."""

import pytest

from engagements.choices import Role
from tests.factories import make_user
from tests.scim.callers import USER, Tool
from tracker.directory.models import DirectoryPerson

pytestmark = pytest.mark.django_db


def test_everybody_reads_what_the_service_can_do(client):
    answer = client.get("/scim/v2/ServiceProviderConfig")

    assert answer.status_code == 200
    assert answer.json()["changePassword"] == {"supported": False}
    assert answer["Content-Type"] == "application/scim+json"


@pytest.mark.parametrize("path", ["/Users", "/Schemas", "/Bulk"])
def test_without_a_key_nothing_else_is_read(client, path):
    method = "POST" if path == "/Bulk" else "GET"
    answer = client.generic(method, f"/scim/v2{path}")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_reading_scope_does_not_write(feed_account):
    reader = Tool(feed_account, "people:read")

    refused = reader.send("POST", "/Users", {"schemas": [USER], "userName": "a"})

    assert reader.get("/Users").status_code == 200
    assert (refused.status_code, DirectoryPerson.objects.count()) == (403, 0)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.FINANCE, Role.AUDITOR])
def test_scope_without_the_role_behind_it_does_not_write(role):
    tool = Tool(make_user(role), "people:write")

    refused = tool.send("POST", "/Users", {"schemas": [USER], "userName": "a"})

    assert (refused.status_code, DirectoryPerson.objects.count()) == (403, 0)


def test_other_scopes_read_nobody(feed_account):
    assert Tool(feed_account, "engagements:read").get("/Users").status_code == 403


def test_key_of_somebody_who_left_stops(tool, feed_account):
    feed_account.is_active = False
    feed_account.save()

    assert tool.get("/Users").status_code == 401


def test_requests_are_limited_as_the_api_is(tool, settings):
    settings.API_REQUESTS_PER_MINUTE = 1

    first, second = tool.get("/Users"), tool.get("/Users")

    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"schemas": [], "userName": "a\\u0000b"}', 400),
        (b'{"schemas": ["%b"], "userName": "\\ud800"}' % USER.encode(), 400),
        (b'{"schemas": ["%b"]}' % USER.encode(), 400),
        (b'{"schemas": ["%b"], "userName": "%b"}' % (USER.encode(), b"x" * 200), 400),
        (b" " * (1024 * 1024 + 1), 413),
    ],
)
def test_bodies_that_cannot_be_are_refused(tool, body, status):
    answer = tool.client.generic(
        "POST",
        "/scim/v2/Users",
        body,
        content_type="application/scim+json",
        headers={"Authorization": f"Bearer {tool.key}"},
    )

    assert (answer.status_code, DirectoryPerson.objects.count()) == (status, 0)
    assert answer.json()["status"] == str(status)


def test_filters_that_cannot_be_are_refused(tool):
    statuses = [
        tool.get("/Users", filter=text).status_code
        for text in ("userName eq", 'userName eq "\0"', "(" * 3000, "password pr")
    ]

    assert statuses == [400, 400, 400, 400]


def test_unknown_addresses_are_told_as_scim_does(tool):
    assert tool.get("/Nothing/else/there").status_code == 404
    assert tool.send("PATCH", "/Users").status_code == 405
    assert tool.get("/Me").status_code == 501
