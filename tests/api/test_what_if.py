"""Supposed work over HTTP: what the command answers, and every refusal by pointer."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from openapi_schema_validator import OAS31Validator

from engagements.choices import Role
from tests.api.callers import client_for, codes
from tests.api.test_hostile_input import FRAGMENTS, checked, filled, places
from tests.api.test_schema import SCHEMA, check
from tests.factories import make_user
from tracker.fit.criteria import all_criteria

pytestmark = pytest.mark.django_db

PATH = "/api/v1/fit/what-if"
MANAGED_WORK: dict[str, Any] = {
    "id": "desk",
    "current_model": "augmented",
    "facts": {
        "direction": {"value": 0.05, "records": 900},
        "manager_load": {"value": 1.2},
        "skills_breadth": {"value": 5, "records": 400},
        "measurability": {"value": 0.9, "records": None},
        "permanence": {"value": 30},
        "core_work": {"value": 0.05},
        "steadiness": {"value": 0.08},
        "scope_change": {"value": 0.01},
    },
}
AUGMENTED_PART = {
    "direction": {"value": 0.95},
    "skills_breadth": {"value": 1},
    "skills_depth": {"value": 0.9},
    "measurability": {"value": 0.05},
    "permanence": {"value": 2},
    "core_work": {"value": 0.9},
    "scope_change": {"value": 0.3},
    "steadiness": {"value": 0.6},
}


def test_answer_is_that_of_the_command(api, tmp_path):
    work = MANAGED_WORK | {"parts": [{"name": "core", "facts": AUGMENTED_PART}]}
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(work), encoding="utf-8")
    out = StringIO()
    call_command("what_if", str(file), "--json", stdout=out)

    response = api.post(PATH, work)

    assert response.status_code == 200
    assert response.json() == json.loads(out.getvalue())
    assert response.json()["verdict"] == "other_model_fits"
    check("WhatIfAnswer", response.json())


def test_list_is_answered_in_its_order(api):
    works = [MANAGED_WORK, {"id": 7, "facts": AUGMENTED_PART}, {"id": "nothing"}]

    found = api.post(PATH, works).json()

    assert [(one["id"], one["verdict"]) for one in found] == [
        ("desk", "other_model_fits"),
        (7, "augmented_fits"),
        ("nothing", "not_enough_evidence"),
    ]


def test_parts_that_are_opposed_are_named_as_a_blend(api):
    parts = [
        {"name": "desk", "facts": MANAGED_WORK["facts"]},
        {"name": "core", "facts": AUGMENTED_PART},
    ]

    found = api.post(PATH, {"id": "x", "facts": {}, "parts": parts}).json()

    assert found["blend"] == {"managed": ["desk"], "augmented": ["core"]}


@pytest.mark.parametrize("criterion", all_criteria(), ids=lambda c: c.code)
def test_one_stated_fact_alone_is_never_enough(api, criterion):
    scale = criterion.scale
    bodies = [
        {"id": 1, "facts": {criterion.code: {"value": value, "records": 10**6}}}
        for value in (scale.least, scale.most)
    ]

    found = [api.post(PATH, body).json()["verdict"] for body in bodies]

    assert found == ["not_enough_evidence"] * 2


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"id": "x", "facts": {"charm": {"value": 1}}}, ("/facts/charm", "unknown")),
        ({"id": "x", "facts": {"direction": 1}}, ("/facts/direction", "type")),
        (
            {"id": "x", "facts": {"direction": {"value": 1.2}}},
            ("/facts/direction/value", "range"),
        ),
        (
            {"id": "x", "facts": {"direction": {"value": "1"}}},
            ("/facts/direction/value", "type"),
        ),
        (
            {"id": "x", "facts": {"direction": {"value": True}}},
            ("/facts/direction/value", "type"),
        ),
        (
            {"id": "x", "facts": {"direction": {}}},
            ("/facts/direction/value", "required"),
        ),
        (
            {"id": "x", "facts": {"direction": {"value": 1, "records": 0}}},
            ("/facts/direction/records", "range"),
        ),
        (
            {"id": "x", "facts": {"direction": {"value": 1, "records": 1.5}}},
            ("/facts/direction/records", "type"),
        ),
        (
            {"id": "x", "facts": {"direction": {"value": 1, "sure": 1}}},
            ("/facts/direction/sure", "unknown"),
        ),
        ({"facts": {}}, ("/id", "required")),
        ({"id": "x", "current_model": "both"}, ("/current_model", "choice")),
        ({"id": "x", "parts": [{"facts": {}}]}, ("/parts/0/name", "required")),
        ({"id": "x", "weights": {}}, ("/weights", "unknown")),
    ],
)
def test_what_breaks_the_schema_is_named_by_pointer(api, body, refused):
    response = api.post(PATH, body)

    assert response.status_code == 400
    assert codes(response) == [refused]
    assert not _fits(body)


def test_error_in_a_list_names_its_place(api):
    response = api.post(PATH, [MANAGED_WORK, {"id": "x", "facts": {"charm": {}}}])

    assert response.status_code == 400
    assert codes(response) == [("/1/facts/charm", "unknown")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([MANAGED_WORK, MANAGED_WORK], "/1/id"),
        (
            {"id": "x", "parts": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
            "/parts/2/name",
        ),
        ([{"id": "x", "parts": [{"name": "a"}, {"name": "a"}]}], "/0/parts/1/name"),
    ],
)
def test_name_that_stands_twice_is_refused_though_it_fits_the_schema(
    api, body, pointer
):
    response = api.post(PATH, body)

    assert response.status_code == 422
    assert [one["pointer"] for one in response.json()["errors"]] == [pointer]
    assert _fits(body)


@pytest.mark.parametrize("body", [[], [{"id": 1}] * 101, "x", 1, None])
def test_body_that_is_no_work_is_refused(api, body):
    response = api.post(
        PATH, data=json.dumps(body).encode(), content_type="application/json"
    )

    assert response.status_code == 400
    check("Problem", response.json())


def test_broken_json_is_refused(api):
    response = api.post(PATH, data=b'{"id": ', content_type="application/json")

    assert response.status_code == 400
    check("Problem", response.json())


def test_asking_needs_the_scope_for_reading_alone():
    owner = make_user(Role.AUDITOR)

    assert client_for(owner, "fit:read").post(PATH, MANAGED_WORK).status_code == 200
    assert client_for(owner, "vendors:read").post(PATH, MANAGED_WORK).status_code == 403


def test_hostile_values_are_answered_everywhere(api):
    work = {
        "id": "x",
        "current_model": None,
        "facts": {"direction": {"value": 0.5, "records": 3}},
        "parts": [{"name": "a", "facts": {"core_work": {"value": 0.1}}}],
    }
    bodies = [
        filled(marked, fragment) for marked in places(work) for fragment in FRAGMENTS
    ]

    statuses = {
        checked(api.post(PATH, data=body, content_type="application/json")).status_code
        for body in bodies
    }

    assert statuses == {200, 400}


def _fits(body: Any) -> bool:
    schema = {
        "$ref": "#/components/schemas/SupposedWorksRequest",
        "components": SCHEMA["components"],
    }
    return bool(OAS31Validator(schema).is_valid(body))
