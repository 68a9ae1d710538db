"""What Entra and Okta send, in their order, as their own documents tell it."""

import pytest

from engagements.models import User
from tests.factories import make_department
from tests.scim.callers import BULK, ENTERPRISE, GROUP, SEARCH, USER
from tracker.directory.models import DirectoryPerson, SyncEntry, Team

pytestmark = pytest.mark.django_db


def test_entra_sequence(tool):
    """Match, create, change, disable as a string, enable, add to a group, delete."""
    department = make_department(code="ENG", name="Engineering")
    nobody = tool.get("/Users", filter='userName eq "ada@example.org"').json()
    assert (nobody["totalResults"], nobody.get("Resources", [])) == (0, [])

    boss = tool.push("grace@example.org", externalId="g-1", displayName="Grace Hopper")
    created = tool.send(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "externalId": "a-1",
            "userName": "ada@example.org",
            "active": True,
            "displayName": "Ada Lovelace",
            "title": "Engineer",
            "emails": [{"primary": True, "type": "work", "value": "ada@example.org"}],
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            ENTERPRISE: {"department": "Engineering", "employeeNumber": "7"},
        },
    ).json()
    # Entra sends the manager's bare id, and its own spelling of operations.
    patched = tool.patch(
        f"/Users/{created['id']}",
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss["id"]},
        {
            "op": "Replace",
            "path": 'emails[type eq "work"].value',
            "value": "ada.l@example.org",
        },
        {"op": "Add", "path": "title", "value": "Lead"},
        {"op": "Replace", "path": "name.familyName", "value": "King"},
    )

    account = User.objects.get(external_id="a-1")
    assert patched.status_code == 200
    assert patched.json()[ENTERPRISE]["manager"]["value"] == boss["id"]
    assert (account.get_full_name(), account.email, account.department) == (
        "Ada King",
        "ada.l@example.org",
        department,
    )
    assert account.manager.external_id == "g-1"
    assert (list(account.groups.all()), account.is_staff) == ([], False)
    assert not account.has_usable_password()
    assert list(
        SyncEntry.objects.filter(kind="path_matched_nothing").values_list(
            "name", "detail"
        )
    ) == [("User", "title")]

    disabled = tool.patch(
        f"/Users/{created['id']}", {"op": "Replace", "path": "active", "value": "False"}
    )
    account.refresh_from_db()
    assert (disabled.json()["active"], account.is_active) == (False, False)
    tool.patch(
        f"/Users/{created['id']}", {"op": "Replace", "path": "active", "value": "True"}
    )
    account.refresh_from_db()
    assert account.is_active

    team = tool.send(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": "Buyers"}
    ).json()
    tool.patch(
        f"/Groups/{team['id']}",
        {"op": "Add", "path": "members", "value": [{"value": created["id"]}]},
    )
    assert [each.user for each in Team.objects.get().members.all()] == [account]
    # Entra names whom to remove in the value, not in the path.
    removed = tool.patch(
        f"/Groups/{team['id']}",
        {"op": "Remove", "path": "members", "value": [{"value": created["id"]}]},
    )
    assert (removed.status_code, removed.json().get("members", [])) == (200, [])

    assert tool.send("DELETE", f"/Users/{created['id']}").status_code == 204
    assert tool.get(f"/Users/{created['id']}").status_code == 404
    account.refresh_from_db()
    assert (account.is_active, account.external_id) == (False, None)


def test_okta_sequence(tool):
    """Look for, create, replace, read with attributes, group by PUT, deactivate."""
    found = tool.get("/Users", filter='userName eq "lin@example.org"', startIndex=1)
    assert found.json()["totalResults"] == 0
    body = {
        "schemas": [USER],
        "userName": "lin@example.org",
        "name": {"givenName": "Lin", "familyName": "Li"},
        "emails": [{"primary": True, "value": "lin@example.org", "type": "work"}],
        "displayName": "Lin Li",
        "locale": "en-US",
        "externalId": "00u1",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    created = tool.send("POST", "/Users", body)
    lin = created.json()
    assert created["Location"] == lin["meta"]["location"]
    assert lin["meta"]["created"] == lin["meta"]["lastModified"]
    assert "password" not in lin
    again = tool.send("POST", "/Users", body)
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")

    replaced = tool.send(
        "PUT",
        f"/Users/{lin['id']}",
        body | {"id": lin["id"], "name": {"givenName": "Lin", "familyName": "Chen"}},
        **{"If-Match": lin["meta"]["version"]},
    )
    stale = tool.send(
        "PUT", f"/Users/{lin['id']}", body, **{"If-Match": lin["meta"]["version"]}
    )
    assert (replaced.status_code, stale.status_code) == (200, 412)
    assert replaced["ETag"] != created["ETag"]
    same = tool.send(
        "GET", f"/Users/{lin['id']}", **{"If-None-Match": replaced["ETag"]}
    )
    assert same.status_code == 304
    names = tool.get(f"/Users/{lin['id']}", attributes="userName").json()
    assert set(names) & {"userName", "displayName", "emails"} == {"userName"}

    team = tool.send(
        "POST",
        "/Groups",
        {"schemas": [GROUP], "displayName": "Tech", "members": [{"value": lin["id"]}]},
    ).json()
    listed = tool.get("/Groups", filter='displayName eq "tech"').json()
    assert [each["id"] for each in listed["Resources"]] == [team["id"]]
    whole = tool.get(f"/Users/{lin['id']}").json()
    assert [each["display"] for each in whole["groups"]] == ["Tech"]

    gone = tool.patch(
        f"/Users/{lin['id']}", {"op": "replace", "value": {"active": False}}
    )
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert User.objects.get(external_id="00u1").is_active is False
    assert list(
        SyncEntry.objects.filter(person__external_id="00u1", times=1)
        .order_by("id")
        .values_list("kind", flat=True)
    ) == ["created", "updated", "deactivated"]


def test_bulk_runs_each_operation_for_itself(tool):
    tool.push("taken@example.org")
    answer = tool.send(
        "POST",
        "/Bulk",
        {
            "schemas": [BULK],
            "Operations": [
                {
                    "method": "POST",
                    "path": "/Groups",
                    "bulkId": "team",
                    "data": {
                        "schemas": [GROUP],
                        "displayName": "New",
                        "members": [{"value": "bulkId:one"}],
                    },
                },
                {
                    "method": "POST",
                    "path": "/Users",
                    "bulkId": "one",
                    "data": {"schemas": [USER], "userName": "one@example.org"},
                },
                {
                    "method": "POST",
                    "path": "/Users",
                    "bulkId": "two",
                    "data": {"schemas": [USER], "userName": "Taken@example.org"},
                },
            ],
        },
    )

    statuses = [each["status"] for each in answer.json()["Operations"]]
    assert statuses == ["201", "201", "409"]
    member = Team.objects.get(name="New").members.get()
    assert member.user_name == "one@example.org"
    assert SyncEntry.objects.get(kind="same_user_name").name == "Taken@example.org"


def test_search_filters_sorts_and_pages(tool):
    for name in ("ana", "bob", "cas"):
        tool.push(f"{name}@example.org", displayName=name.title())
    page = tool.send(
        "POST",
        "/.search",
        {
            "schemas": [SEARCH],
            "filter": 'userName sw "b" or displayName eq "CAS"',
            "sortBy": "userName",
            "sortOrder": "descending",
            "startIndex": 2,
            "count": 1,
            "attributes": ["userName"],
        },
    ).json()

    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (2, 2, 1)
    assert [each["userName"] for each in page["Resources"]] == ["bob@example.org"]


@pytest.mark.parametrize("people", [1, 3])
def test_list_asks_the_same_however_many_people(
    tool, people, django_assert_num_queries
):
    for number in range(people):
        tool.push(f"p{number}@example.org")
    tool.get("/Users")

    with django_assert_num_queries(6):
        # The key, two for its owner's permissions, the page, its teams, the count.
        listed = tool.get("/Users").json()

    assert listed["totalResults"] == DirectoryPerson.objects.count() == people
