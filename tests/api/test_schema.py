import json
import re
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from config.env import BASE_DIR
from engagements.choices import Role
from tests.api.callers import put
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tracker.api.schema import document

SCHEMA: dict[str, Any] = json.loads(document())


def check(name, value):
    OAS31Validator(
        {"$ref": f"#/components/schemas/{name}", "components": SCHEMA["components"]},
        format_checker=oas31_format_checker,
    ).validate(value)


def operations():
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_schema_is_valid_openapi_3_1():
    validate(SCHEMA)

    assert SCHEMA["openapi"] == "3.1.0"


def test_schema_is_generated_without_a_warning():
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_schema_is_open_to_read_and_cached():
    first = Client().get("/api/v1/openapi")
    again = Client().get("/api/v1/openapi", headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert first["Content-Type"] == "application/json"
    assert first.json() == SCHEMA


def test_every_operation_asks_for_a_key_and_tells_its_refusals():
    for method, path, operation in operations():
        assert operation["security"] == [{"apiKey": []}, {"oauth2": []}], (method, path)
        assert {"400", "401", "403", "406", "429"} <= set(operation["responses"])
        if method in ("put", "patch", "post"):
            assert {"409", "413", "415", "422"} <= set(operation["responses"])
            assert operation["requestBody"]["required"] is True


def test_upserts_tell_of_their_conditions():
    for method, path, operation in operations():
        if method == "put":
            names = {each["name"] for each in operation["parameters"]}
            assert {"If-Match", "If-None-Match"} <= names, path


def test_references_are_components_that_clients_can_name():
    variants = SCHEMA["components"]["schemas"]["ReferenceRequest"]["oneOf"]

    assert variants == [
        {"$ref": "#/components/schemas/ReferenceByIdRequest"},
        {"$ref": "#/components/schemas/ReferenceByExternalIdRequest"},
    ]


def test_every_object_in_a_request_is_closed():
    for name, schema in SCHEMA["components"]["schemas"].items():
        if name.endswith("Request"):
            for variant in schema.get("oneOf", [schema]):
                # What only names another schema, or lists it, is closed by that.
                if not ("$ref" in variant or "$ref" in variant.get("items", {})):
                    assert variant["additionalProperties"] is False, name


def test_bodies_in_the_guide_fit_the_schema():
    guide = (BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    components = [
        "VendorUpsertRequest",
        "EngagementUpsertRequest",
        "TicketBatchRequest",
        "PatchedVendorChangeRequest",
        "DepartmentUpsertRequest",
        "ContractorUpsertRequest",
        "ContractorBatchRequest",
        "RateTermBodyRequest",
        "TimeEntryBatchRequest",
        "SupposedWorkRequest",
    ]

    bodies = re.findall(r"-d '(\{.*?\})'", guide, flags=re.DOTALL)

    for component, body in zip(components, bodies, strict=True):
        check(component, json.loads(body))


@pytest.mark.django_db
def test_answers_fit_the_schema(api):
    centre = make_cost_centre()
    make_contract(
        cost_shares={centre: Decimal(100)},
        department=make_department(),
        manager=make_user(Role.MANAGER),
        fee=Decimal("0.0001"),
    )
    make_assignment(rate=Decimal("99999999999.9999"))
    make_contract(fee=None)

    engagements = api.get("/api/v1/engagements").json()
    vendors = api.get("/api/v1/vendors").json()

    assert (len(engagements["results"]), len(vendors["results"])) == (3, 3)
    check("EngagementPage", engagements)
    check("VendorPage", vendors)


@pytest.mark.django_db
def test_refusal_fits_the_schema(api):
    check("Problem", put(api, "vendors", "V-1", {"legal_name": 1, "x": 2}).json())
    check("Problem", api.get("/api/v1/vendors?x=1").json())
