"""Every operation of the API by every role; an operation not listed fails."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from engagements.choices import MeasuredBy, Role
from engagements.models import (
    Assignment,
    Contractor,
    CostCentre,
    Department,
    ManagedContract,
    Service,
    User,
    Vendor,
)
from tests.api.callers import client_for, client_with, codes
from tests.api.test_schema import SCHEMA, operations
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tests.performance.contracts import add_level
from tests.spend.billing import bill
from tests.webhooks.endpoints import make_endpoint
from tracker.api.scopes import SCOPES
from tracker.fit.models import Assessment, Flag, GroupVerdict, SeenPattern
from tracker.fit.services import current_policy
from tracker.imports.models import ImportRun
from tracker.spend.models import Invoice, WorkLog
from tracker.webhooks.models import (
    DeliveryState,
    PublishedEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from tracker.webhooks.services import publish_events

pytestmark = pytest.mark.django_db

ENGAGEMENTS = "/api/v1/engagements"
INVOICES = "/api/v1/invoices"
VENDORS = "/api/v1/vendors"
CONTRACTORS = "/api/v1/contractors"
DEPARTMENTS = "/api/v1/departments"
COST_CENTERS = "/api/v1/cost-centers"
SERVICES = "/api/v1/services"
PEOPLE = "/api/v1/people"
TIME = "/api/v1/timesheet-entries"
IMPORTS = "/api/v1/imports"
PART = f"{ENGAGEMENTS}/{{engagement_id}}"
FLAGS = "/api/v1/model-flags"
ASSESSMENTS = "/api/v1/assessments"
GROUPS = "/api/v1/engagement-groups"
PATTERNS = "/api/v1/patterns"
EVENTS = "/api/v1/events"
ENDPOINTS = "/api/v1/webhook-endpoints"
DELIVERIES = "/api/v1/webhook-deliveries"
WHAT_IF = "/api/v1/fit/what-if"
SPEND, REPORTS = "/api/v1/spend", "/api/v1/reports"
BY_EXTERNAL_ID = "by-external-id/{external_id}"
ROLES = list(Role)

# In the order of ROLES: manager (of another department), finance, HR integration,
# auditor, administrator. The record asked for is in a department of its own.
EVERYBODY = (200, 200, 200, 200, 200)
WITHIN_SCOPE = (404, 200, 200, 200, 200)
MONEY = (403, 200, 403, 200, 200)
EXPECTED = {
    ("post", ENGAGEMENTS): (201, 403, 403, 403, 201),
    ("post", VENDORS): (201, 201, 403, 403, 201),
    ("get", CONTRACTORS): EVERYBODY,
    ("post", CONTRACTORS): (201, 403, 403, 403, 201),
    ("post", f"{CONTRACTORS}/batch"): (422, 403, 403, 403, 200),
    ("get", f"{CONTRACTORS}/{{id}}"): WITHIN_SCOPE,
    ("get", f"{CONTRACTORS}/{BY_EXTERNAL_ID}"): WITHIN_SCOPE,
    ("put", f"{CONTRACTORS}/{BY_EXTERNAL_ID}"): (409, 403, 403, 403, 200),
    ("patch", f"{CONTRACTORS}/{{id}}"): (404, 403, 403, 403, 200),
    ("get", DEPARTMENTS): EVERYBODY,
    ("post", DEPARTMENTS): (403, 403, 403, 403, 201),
    ("get", f"{DEPARTMENTS}/{{id}}"): WITHIN_SCOPE,
    ("get", f"{DEPARTMENTS}/{BY_EXTERNAL_ID}"): WITHIN_SCOPE,
    ("put", f"{DEPARTMENTS}/{BY_EXTERNAL_ID}"): (403, 403, 403, 403, 200),
    ("patch", f"{DEPARTMENTS}/{{id}}"): (403, 403, 403, 403, 200),
    ("get", COST_CENTERS): EVERYBODY,
    ("post", COST_CENTERS): (403, 201, 403, 403, 201),
    ("get", f"{COST_CENTERS}/{{id}}"): EVERYBODY,
    ("get", f"{COST_CENTERS}/{BY_EXTERNAL_ID}"): EVERYBODY,
    ("put", f"{COST_CENTERS}/{BY_EXTERNAL_ID}"): (403, 200, 403, 403, 200),
    ("patch", f"{COST_CENTERS}/{{id}}"): (403, 200, 403, 403, 200),
    ("get", SERVICES): EVERYBODY,
    ("post", SERVICES): (403, 403, 403, 403, 201),
    ("get", f"{SERVICES}/{{id}}"): EVERYBODY,
    ("get", f"{SERVICES}/{BY_EXTERNAL_ID}"): EVERYBODY,
    ("put", f"{SERVICES}/{BY_EXTERNAL_ID}"): (403, 403, 403, 403, 200),
    ("patch", f"{SERVICES}/{{id}}"): (403, 403, 403, 403, 200),
    ("get", PEOPLE): EVERYBODY,
    ("get", f"{PEOPLE}/{{id}}"): WITHIN_SCOPE,
    ("get", f"{PEOPLE}/{BY_EXTERNAL_ID}"): WITHIN_SCOPE,
    ("get", f"{PART}/rate-terms"): WITHIN_SCOPE,
    ("post", f"{PART}/rate-terms"): (404, 403, 403, 403, 201),
    ("get", f"{PART}/fee-terms"): WITHIN_SCOPE,
    ("post", f"{PART}/fee-terms"): (404, 403, 403, 403, 201),
    ("get", TIME): EVERYBODY,
    ("post", TIME): (422, 403, 403, 403, 201),
    ("post", f"{TIME}/batch"): (422, 403, 403, 403, 200),
    ("get", f"{TIME}/{{id}}"): WITHIN_SCOPE,
    ("get", IMPORTS): MONEY,
    ("post", IMPORTS): (403, 202, 403, 403, 202),
    ("get", f"{IMPORTS}/{{id}}"): MONEY,
    ("get", f"{IMPORTS}/{{id}}/problems"): MONEY,
    ("get", "/hris/v1/employees"): EVERYBODY,
    ("get", "/hris/v1/employees/{id}"): WITHIN_SCOPE,
    ("get", "/hris/v1/employments"): EVERYBODY,
    ("get", "/hris/v1/employments/{id}"): WITHIN_SCOPE,
    ("get", "/hris/v1/timesheet-entries"): EVERYBODY,
    ("get", "/hris/v1/timesheet-entries/{id}"): WITHIN_SCOPE,
    ("get", "/hris/v1/groups"): EVERYBODY,
    ("get", "/hris/v1/groups/{id}"): WITHIN_SCOPE,
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
    ("get", FLAGS): (200, 200, 200, 200, 200),
    ("get", f"{FLAGS}/{{id}}"): (404, 200, 200, 200, 200),
    ("get", ASSESSMENTS): EVERYBODY,
    ("get", f"{ASSESSMENTS}/{{id}}"): WITHIN_SCOPE,
    ("get", GROUPS): EVERYBODY,
    ("get", f"{GROUPS}/{{id}}"): WITHIN_SCOPE,
    ("get", PATTERNS): EVERYBODY,
    ("get", f"{PATTERNS}/{{id}}"): WITHIN_SCOPE,
    ("post", WHAT_IF): (200, 200, 403, 200, 200),
    ("get", EVENTS): (200, 200, 200, 200, 200),
    ("get", f"{EVENTS}/{{id}}"): (404, 200, 200, 200, 200),
    # The endpoint asked for is somebody else's.
    ("get", ENDPOINTS): (403, 200, 200, 200, 200),
    ("get", f"{ENDPOINTS}/{{id}}"): (403, 404, 404, 200, 200),
    ("get", DELIVERIES): (403, 200, 200, 200, 200),
    ("get", f"{DELIVERIES}/{{id}}"): (403, 404, 404, 200, 200),
    ("post", f"{DELIVERIES}/{{id}}/replay"): (403, 404, 404, 403, 200),
    ("post", ENDPOINTS): (403, 201, 201, 403, 201),
    ("post", f"{ENDPOINTS}/{{id}}/test"): (403, 404, 404, 403, 201),
    ("post", f"{ENDPOINTS}/{{id}}/rotate-secret"): (403, 404, 404, 403, 200),
    ("patch", f"{ENDPOINTS}/{{id}}"): (403, 404, 404, 403, 200),
    ("delete", f"{ENDPOINTS}/{{id}}"): (403, 404, 404, 403, 204),
    ("get", SPEND): (200, 200, 200, 200, 200),
    ("get", REPORTS): (200, 200, 200, 200, 200),
    ("get", f"{REPORTS}/{{report}}"): (200, 200, 200, 200, 200),
    # Last: the entry that others ask for counts no more.
    ("post", f"{TIME}/{{id}}/withdraw"): (404, 403, 403, 403, 200),
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
    listen(make_user(Role.ADMINISTRATOR))
    return found


def listen(owner: User) -> None:
    """Have the contract's events published, and one sent long ago."""
    endpoint = make_endpoint(owner, event_types=["engagement.created"])
    publish_events()
    WebhookDelivery.objects.update(
        state=DeliveryState.DELIVERED, delivered_at=timezone.now()
    )
    assert endpoint.deliveries.count() == 1


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


def judged(contract: ManagedContract) -> Assessment:
    return Assessment.objects.create(
        engagement=contract,
        as_of=date(2026, 11, 1),
        month=date(2026, 11, 1),
        window_months=12,
        kind="managed",
        acceptability=0.5,
        opposition=0.5,
        coverage=0.5,
        margin=0.0,
        verdict="either_fits",
        policy=current_policy(),
    )


def group_of(contract: ManagedContract) -> GroupVerdict:
    group = GroupVerdict.objects.create(
        basis="manager",
        name="Ada",
        as_of=date(2026, 11, 1),
        acceptability=0.5,
        coverage=0.5,
        verdict="either_fits",
        policy=current_policy(),
    )
    group.members.add(contract)
    return group


@pytest.fixture
def records(contract):
    """A record of each noun, of another department than the manager's."""
    department = contract.department
    Department.objects.filter(pk=department.pk).update(external_id="X-1")
    vendor = contract.vendor
    worker = Contractor.objects.create(
        full_name="Ada", vendor=vendor, external_id="X-1"
    )
    assignment = begun(
        make_assignment(
            department=department, contractor=worker, vendor=vendor, external_id="A-1"
        )
    )
    log = WorkLog.objects.create(
        engagement_id=assignment.pk,
        contractor=worker,
        worked_on=date(2026, 3, 2),
        hours=Decimal(1),
    )
    return {
        ENGAGEMENTS: contract,
        VENDORS: vendor,
        INVOICES: Invoice.objects.get(),
        FLAGS: flag_of(contract),
        ASSESSMENTS: judged(contract),
        GROUPS: group_of(contract),
        PATTERNS: SeenPattern.objects.create(
            engagement=contract,
            code="chronic_breach",
            seen_since=date(2026, 11, 1),
            records=1,
        ),
        CONTRACTORS: worker,
        DEPARTMENTS: department,
        COST_CENTERS: make_cost_centre(external_id="X-1"),
        SERVICES: Service.objects.create(name="Desk", external_id="X-1"),
        PEOPLE: make_user(department=department, external_id="X-1"),
        TIME: log,
        ENDPOINTS: WebhookEndpoint.objects.order_by("id")[0],
        DELIVERIES: WebhookDelivery.objects.order_by("id")[0],
        EVENTS: PublishedEvent.objects.get(event_type="engagement.created").event,
        IMPORTS: ImportRun.objects.create(kind="vendors", sha256="0" * 64),
        "/hris/v1/employees": worker,
        "/hris/v1/employments": assignment,
        "/hris/v1/timesheet-entries": log,
        "/hris/v1/groups": department,
    }


VENDOR = {"vendor": {"external_id": "X-1"}}
# What creates a record; the id of another system goes into the address of a PUT.
FULL: dict[str, dict[str, Any]] = {
    ENGAGEMENTS: VENDOR
    | {"title": "Desk", "kind": "managed", "start_date": "2026-01-01"},
    VENDORS: {"legal_name": "Acme Ltd"},
    INVOICES: INVOICE,
    CONTRACTORS: VENDOR | {"full_name": "Ada"},
    DEPARTMENTS: {"code": "X", "name": "X"},
    COST_CENTERS: {"code": "X", "name": "X"},
    SERVICES: {"name": "Desk"},
}
ENTRY = {
    "source_id": "S-1",
    "engagement": {"external_id": "A-1"},
    "worked_on": "2026-03-02",
    "hours": "1",
}
ENDPOINT = {
    "name": "Receiver",
    "url": "https://receiver.example/",
    "event_types": ["engagement.ended"],
}
NEW = {"legal_name": "New Ltd", "code": "NEW", "name": "New"}


POSTED: dict[str, Any] = {
    WHAT_IF: {"id": 1},
    ENDPOINTS: ENDPOINT,
    TIME: ENTRY,
    f"{TIME}/batch": {"entries": [ENTRY | {"source_id": "S-2"}]},
    f"{TIME}/{{id}}/withdraw": {"reason": "Told twice"},
    f"{CONTRACTORS}/batch": {
        "contractors": [FULL[CONTRACTORS] | {"external_id": "X-1"}]
    },
    f"{PART}/rate-terms": {
        "pay_rate": "1",
        "pay_period": "DAY",
        "effective_date": "2027-01-01",
    },
    f"{PART}/fee-terms": {"amount": "1", "effective_date": "2027-01-01"},
}


def body_of(method: str, path: str, contract: ManagedContract) -> Any:
    if method in ("get", "delete"):
        return {"group_by": "vendor"} if path == SPEND else None
    if method == "put":
        return FULL[path.rpartition("/by-external-id")[0]]
    if method == "patch" or path.startswith((f"{ENDPOINTS}/", DELIVERIES)):
        return {}
    if path in FULL:
        return {name: NEW.get(name, value) for name, value in FULL[path].items()}
    return POSTED.get(path) or batch(path.rpartition("/")[2], contract)


def ask(client: Any, method: str, path: str, records: dict[str, Any]) -> int:
    contract = records[ENGAGEMENTS]
    engagement = contract
    if path.endswith("rate-terms"):
        engagement = records["/hris/v1/employments"]
    noun = path.partition("/{")[0].removesuffix("/by-external-id")
    address = path.format(
        id=getattr(records.get(noun), "public_id", ""),
        engagement_id=engagement.public_id,
        external_id="X-1",
        report="vendors",
    )
    if (method, path) == ("post", IMPORTS):
        table = b"legal name\nBeta Ltd\n"
        response = client.generic("POST", f"{IMPORTS}?kind=vendors", table, "text/csv")
    else:
        response = getattr(client, method)(
            address,
            body_of(method, path, contract),
            headers={"If-Match": "*"} if method == "patch" else {},
        )
    status: int = response.status_code
    return status


def test_every_operation_is_listed():
    assert {(method, path) for method, path, _ in operations()} == set(EXPECTED)


@pytest.mark.parametrize("role", ROLES)
def test_role_gets_what_the_table_says(role, records):
    client = client_for(make_user(role), *SCOPES)

    found = {key: ask(client, *key, records) for key in EXPECTED}

    index = ROLES.index(role)
    assert found == {key: statuses[index] for key, statuses in EXPECTED.items()}


def test_nobody_gets_anything_without_a_key_a_scope_or_a_role(records):
    callers = [
        client_with("etk_test_" + "x" * 40),
        client_for(make_user(Role.ADMINISTRATOR), "rates:read"),
        client_for(make_user(), *SCOPES),
    ]
    # To these, the scope of the second caller leads.
    rates = {("get", f"{PART}/rate-terms"), ("get", f"{PART}/fee-terms")}

    found = [
        {ask(client, *operation, records) for operation in EXPECTED.keys() - rates}
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
        ("contractors", "PatchedContractorChangeRequest", [Contractor]),
        ("departments", "PatchedDepartmentChangeRequest", [Department]),
        ("cost-centers", "PatchedCostCenterChangeRequest", [CostCentre]),
        ("services", "PatchedServiceChangeRequest", [Service]),
    ],
)
def test_fields_that_are_not_listed_cannot_be_set(
    api, records, noun, component, models
):
    listed = set(SCHEMA["components"]["schemas"][component]["properties"])
    stored = {field.name for model in models for field in model._meta.get_fields()}
    record = records[f"/api/v1/{noun}"]
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
