"""Every operation of the API by every role; an operation not listed fails."""

from datetime import date
from typing import Any

import pytest

from engagements.choices import MeasuredBy, Role
from engagements.models import Assignment, ManagedContract, Vendor
from tests.api.callers import client_for, client_with, codes
from tests.api.test_schema import SCHEMA, operations
from tests.factories import make_contract, make_department, make_user, make_vendor
from tests.performance.contracts import add_level
from tests.spend.billing import bill
from tracker.api.scopes import SCOPES
from tracker.fit.models import Flag
from tracker.spend.models import Invoice

pytestmark = pytest.mark.django_db

ENGAGEMENTS = "/api/v1/engagements"
INVOICES = "/api/v1/invoices"
VENDORS = "/api/v1/vendors"
PART = f"{ENGAGEMENTS}/{{engagement_id}}"
FLAGS = "/api/v1/model-flags"
WHAT_IF = "/api/v1/fit/what-if"
SPEND, REPORTS = "/api/v1/spend", "/api/v1/reports"
BY_EXTERNAL_ID = "by-external-id/{external_id}"
ROLES = list(Role)

# In the order of ROLES: manager (of another department), finance, HR integration,
# auditor, administrator. The record asked for is in a department of its own.
EXPECTED = {
    ("get", ENGAGEMENTS): (200, 200, 200, 200, 200),
    ("get", f"{ENGAGEMENTS}/{{id}}"): (404, 200, 200, 200, 200),
    ("get", f"{ENGAGEMENTS}/{BY_EXTERNAL_ID}"): (404, 200, 200, 200, 200),
    ("put", f"{ENGAGEMENTS}/{BY_EXTERNAL_ID}"): (409, 403, 403, 403, 200),
    ("patch", f"{ENGAGEMENTS}/{{id}}"): (404, 403, 403, 403, 200),
    ("get", f"{PART}/service-levels"): (404, 200, 403, 200, 200),
    ("get", f"{PART}/measurements"): (404, 200, 403, 200, 200),
    ("post", f"{PART}/measurements"): (404, 403, 403, 403, 200),
    ("post", f"{PART}/downtime"): (404, 403, 403, 403, 200),
    ("post", f"{PART}/tickets"): (404, 403, 403, 403, 200),
    ("get", f"{PART}/credits"): (404, 200, 403, 200, 200),
    ("get", f"{PART}/reviews"): (404, 403, 200, 200, 200),
    ("get", INVOICES): (200, 200, 403, 200, 200),
    ("get", f"{INVOICES}/{{id}}"): (404, 200, 403, 200, 200),
    ("get", f"{INVOICES}/{BY_EXTERNAL_ID}"): (404, 200, 403, 200, 200),
    # The manager may not name the engagement.
    ("put", f"{INVOICES}/{BY_EXTERNAL_ID}"): (422, 200, 403, 403, 200),
    ("get", VENDORS): (200, 200, 200, 200, 200),
    ("get", f"{VENDORS}/{{id}}"): (200, 200, 200, 200, 200),
    ("get", f"{VENDORS}/{BY_EXTERNAL_ID}"): (200, 200, 200, 200, 200),
    ("put", f"{VENDORS}/{BY_EXTERNAL_ID}"): (200, 200, 403, 403, 200),
    ("patch", f"{VENDORS}/{{id}}"): (200, 200, 403, 403, 200),
    ("get", FLAGS): (200, 200, 403, 200, 200),
    ("get", f"{FLAGS}/{{id}}"): (404, 200, 403, 200, 200),
    ("post", WHAT_IF): (200, 200, 403, 200, 200),
    ("get", SPEND): (200, 200, 403, 200, 200),
    ("get", REPORTS): (200, 200, 403, 200, 200),
    ("get", f"{REPORTS}/{{report}}"): (200, 200, 403, 200, 200),
}


INVOICE = {
    "vendor": {"external_id": "X-1"},
    "number": "N-1",
    "issued_on": "2026-01-01",
    "currency": "GBP",
    "total": "100",
    "lines": [
        {
            "engagement": {"external_id": "X-1"},
            "charge": "recurring",
            "service_from": "2026-01-01",
            "service_to": "2026-01-31",
            "amount": "100",
        }
    ],
}


@pytest.fixture
def contract():
    found = make_contract(
        external_id="X-1",
        title="Desk",
        department=make_department(),
        vendor=make_vendor(legal_name="Acme Ltd", external_id="X-1"),
    )
    add_level(found, name="value")
    add_level(found, name="downtime", measured_by=MeasuredBy.DOWNTIME)
    bill(found, date(2026, 1, 1), external_id="X-1", number="N-1")
    return found


def batch(noun: str, contract: ManagedContract) -> dict[str, Any]:
    """Return one line that the contract's levels take."""
    levels = {level.name: level for level in contract.service_levels.all()}
    line: dict[str, Any] = {"source_id": "S-1"}
    match noun:
        case "measurements":
            line |= {
                "service_level": str(levels["value"].public_id),
                "period_from": "2026-03-01",
                "period_to": "2026-03-31",
                "value": "99.5",
            }
        case "downtime":
            line |= {
                "service_level": str(levels["downtime"].public_id),
                "began_at": "2026-03-01T10:00:00Z",
                "ended_at": "2026-03-01T11:00:00Z",
            }
        case _:
            line |= {"opened_at": "2026-03-01T10:00:00Z"}
    return {noun: [line]}


def flag_of(contract: ManagedContract) -> Flag:
    return Flag.objects.get_or_create(
        engagement=contract,
        defaults={
            "raised_on": date(2026, 11, 1),
            "opposition": 0.8,
            "leaning": "augmented",
        },
    )[0]


def ask(client: Any, method: str, path: str, contract: ManagedContract) -> int:
    record: Any = contract if path.startswith(ENGAGEMENTS) else contract.vendor
    if path.startswith(FLAGS):
        record = flag_of(contract)
    full: dict[str, Any] = {"legal_name": "Acme Ltd"}
    if path.startswith(INVOICES):
        record = Invoice.objects.get()
        full = INVOICE
    elif record is contract:
        full = {
            "title": "Desk",
            "kind": "managed",
            "vendor": {"external_id": "X-1"},
            "start_date": "2026-01-01",
        }
    body = {"put": full, "patch": {}}.get(method)
    if method == "post":
        body = (
            {"id": 1} if path == WHAT_IF else batch(path.rpartition("/")[2], contract)
        )
    response = getattr(client, method)(
        path.format(
            id=record.public_id,
            engagement_id=contract.public_id,
            external_id="X-1",
            report="vendors",
        ),
        {"group_by": "vendor"} if path == SPEND else body,
        headers={"If-Match": "*"} if method == "patch" else {},
    )
    status: int = response.status_code
    return status


def test_every_operation_is_listed():
    assert {(method, path) for method, path, _ in operations()} == set(EXPECTED)


@pytest.mark.parametrize("role", ROLES)
def test_role_gets_what_the_table_says(role, contract):
    client = client_for(make_user(role), *SCOPES)

    found = {key: ask(client, *key, contract) for key in EXPECTED}

    index = ROLES.index(role)
    assert found == {key: statuses[index] for key, statuses in EXPECTED.items()}


def test_nobody_gets_anything_without_a_key_a_scope_or_a_role(contract):
    callers = [
        client_with("etk_test_" + "x" * 40),
        client_for(make_user(Role.ADMINISTRATOR), "rates:read"),
        client_for(make_user(), *SCOPES),
    ]

    found = [
        {ask(client, *operation, contract) for operation in EXPECTED}
        for client in callers
    ]

    assert found == [{401}, {403}, {403}]


@pytest.mark.parametrize(
    ("noun", "component", "models"),
    [
        ("vendors", "PatchedVendorChangeRequest", [Vendor]),
        (
            "engagements",
            "PatchedEngagementChangeRequest",
            [ManagedContract, Assignment],
        ),
    ],
)
def test_fields_that_are_not_listed_cannot_be_set(
    api, contract, noun, component, models
):
    listed = set(SCHEMA["components"]["schemas"][component]["properties"])
    stored = {field.name for model in models for field in model._meta.get_fields()}
    record = contract if noun == "engagements" else contract.vendor
    before = type(record).objects.filter(pk=record.pk).values().get()

    for name in sorted(stored - listed):
        response = api.patch(
            f"/api/v1/{noun}/{record.public_id}",
            {name: str(date(2026, 1, 1))},
            headers={"If-Match": "*"},
        )
        assert response.status_code == 400
        assert codes(response) == [(f"/{name}", "unknown")]

    assert type(record).objects.filter(pk=record.pk).values().get() == before
    assert len(stored - listed) > 5
