from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from engagements.choices import Role
from tests.api.callers import client_for, codes, put
from tests.factories import make_contract, make_department, make_user, make_vendor

pytestmark = pytest.mark.django_db

ENGAGEMENTS = "/api/v1/engagements"


def contract_body(vendor, **fields):
    return {
        "title": "Service desk",
        "kind": "managed",
        "vendor": {"id": str(vendor.public_id)},
        "start_date": "2026-01-01",
    } | fields


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("engagements:read", 200),
        ("engagements:write", 200),
        ("vendors:read", 403),
        ("rates:read", 403),
    ],
)
def test_reading_needs_the_scope(administrator, scope, expected):
    assert client_for(administrator, scope).get(ENGAGEMENTS).status_code == expected


@pytest.mark.parametrize(
    ("scope", "expected"), [("vendors:read", 403), ("vendors:write", 201)]
)
def test_writing_needs_the_scope(administrator, scope, expected):
    client = client_for(administrator, scope)

    response = put(client, "vendors", "v", {"legal_name": "Acme"})

    assert response.status_code == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.MANAGER, 201),
        (Role.FINANCE, 403),
        (Role.HR_INTEGRATION, 403),
        (Role.AUDITOR, 403),
        (Role.ADMINISTRATOR, 201),
    ],
)
def test_key_may_do_no_more_than_its_owner(role, expected):
    client = client_for(make_user(role), "engagements:write")

    response = put(client, "engagements", "e", contract_body(make_vendor()))

    assert response.status_code == expected


def test_amounts_are_absent_without_the_scope(administrator):
    make_contract(fee=Decimal("1234.50"))

    without = client_for(administrator, "engagements:read").get(ENGAGEMENTS)
    with_it = client_for(administrator, "engagements:read", "rates:read").get(
        ENGAGEMENTS
    )

    assert "monthly_fee" not in without.json()["results"][0]
    assert "1234" not in without.content.decode()
    assert with_it.json()["results"][0]["monthly_fee"] == {
        "amount": "1234.50",
        "currency": "GBP",
        "effective_date": "2026-01-01",
    }


def test_amounts_in_a_session_are_for_roles_that_see_money():
    make_contract()
    shown = {}

    for role in (Role.FINANCE, Role.HR_INTEGRATION):
        client = Client()
        client.force_login(make_user(role))
        (row,) = client.get(ENGAGEMENTS).json()["results"]
        shown[role] = "monthly_fee" in row

    assert shown == {Role.FINANCE: True, Role.HR_INTEGRATION: False}


def test_amounts_are_not_written_without_the_scope(administrator):
    client = client_for(administrator, "engagements:write")
    body = contract_body(make_vendor(), monthly_fee={"amount": "1"})

    response = put(client, "engagements", "e", body)

    assert response.status_code == 403
    assert "rates:write" in response.json()["detail"]


@pytest.fixture
def two_departments():
    """A manager of one department, and what belongs to another."""
    manager = make_user(Role.MANAGER)
    make_department(code="OURS", head=manager)
    stranger = make_user(Role.MANAGER, external_id="canary-person")
    theirs = make_department(code="CANARY", head=stranger)
    contract = make_contract(
        title="Canary", department=theirs, manager=stranger, external_id="canary-id"
    )
    return client_for(manager, "engagements:write", "rates:write"), contract


def test_manager_sees_only_their_own_scope(two_departments):
    client, contract = two_departments
    paths = [
        ENGAGEMENTS,
        f"{ENGAGEMENTS}?vendor={contract.vendor.public_id}",
        f"{ENGAGEMENTS}?department={contract.department.public_id}",
        f"{ENGAGEMENTS}?owner={contract.manager.public_id}",
        f"{ENGAGEMENTS}/{contract.public_id}",
        f"{ENGAGEMENTS}/by-external-id/canary-id",
    ]

    responses = [client.get(path) for path in paths]

    assert [response.status_code for response in responses] == [200] * 4 + [404] * 2
    assert [r.json()["results"] for r in responses[:4]] == [[], [], [], []]
    assert not any("anary" in response.content.decode() for response in responses)


def test_manager_cannot_change_what_they_do_not_see(two_departments):
    client, contract = two_departments

    response = client.patch(
        f"{ENGAGEMENTS}/{contract.public_id}",
        {"title": "Mine"},
        headers={"If-Match": "*"},
    )
    taken = put(client, "engagements", "canary-id", contract_body(contract.vendor))

    assert response.status_code == 404
    assert taken.status_code == 409
    assert codes(taken) == [("/external_id", "unique")]
    contract.refresh_from_db()
    assert contract.title == "Canary"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("owner", {"external_id": "canary-person"}),
        ("department", {"code": "CANARY"}),
    ],
)
def test_manager_cannot_name_what_lies_outside_their_scope(
    two_departments, field, value
):
    client, contract = two_departments

    response = put(
        client, "engagements", "e", contract_body(contract.vendor, **{field: value})
    )

    assert response.status_code == 422
    assert codes(response) == [(f"/{field}", "not_found")]


def test_manager_cannot_put_a_record_out_of_their_sight(two_departments):
    client, contract = two_departments
    body = contract_body(contract.vendor, owner=None, department={"code": "OURS"})
    created = put(client, "engagements", "e", body)
    assert created.status_code == 201

    response = put(client, "engagements", "e", body | {"department": None})

    assert response.status_code == 422
    assert codes(response) == [("/owner", "scope")]
    after = client.get(f"{ENGAGEMENTS}/by-external-id/e").json()
    assert after["department"]["code"] == "OURS"


def test_new_engagement_belongs_to_the_owner_of_the_key(two_departments):
    client, contract = two_departments

    response = put(client, "engagements", "e", contract_body(contract.vendor))

    assert response.status_code == 201
    assert response.json()["owner"]["external_id"] is None
    assert date.fromisoformat(response.json()["start_date"]) == date(2026, 1, 1)
