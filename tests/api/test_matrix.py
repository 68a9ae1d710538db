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
from tracker.fit.models import Flag
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
