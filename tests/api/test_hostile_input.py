"""Input that breaks naive APIs, in every place that can be written to."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engagements.models import Contractor, Department, Engagement, Vendor
from tests.api.test_schema import SCHEMA, check
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)

pytestmark = pytest.mark.django_db

# As they stand in the body, since not all of them can be written from Python values.
FRAGMENTS = [
    *(r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', '"\x7f"'),
    *(r'"\u202ecod.exe"', r'"\u2066x\u2069"', r'"\ufeff"', r'"\uffff"', r'"a\nb"'),
    *("9223372036854775808", "-9223372036854775809", "1" * 4000, "1" * 5000),
    *('"9223372036854775808"', f'"{"1" * 5000}"', '"99999999999999999999.99"'),
    *("NaN", "Infinity", "1e400", "-0.0", "1e5", "1.5", '"NaN"', '"1e400"', '"-0"'),
    *('"0001-01-01"', '"9999-12-31"', '"2026-02-30"', '"2026-01-01T00:00:00"'),
    *('"1900-01-01"', '"2199-12-31"', '"0001-01-01T00:00:00+14:00"', '"24:00"'),
    *('""', '" "', r'"\u00a0"', "null", "true", "[]", "{}", "[[]]", '{"id": null}'),
    *('"=1+1"', '"<script>alert(1)</script>"', '"\'; DROP TABLE x;--"', '"%00"'),
    *('"ﷺ"', f'"{"ﷺ" * 200}"', f'"{"ΐ" * 200}"', '"👩‍👩‍👧‍👦"', '"१२"', '"²"'),
    *('{"a": ' * 500 + "1" + "}" * 500, "[" * 500 + "]" * 500),
    *('{"id": "1", "id": "2"}', '{"external_id": "\\u0000"}', '{"code": "\\ud800"}'),
]
BODIES = {
    "vendors": {"legal_name": "Hostile Ltd"},
    "engagements": {
        "title": "Hostile",
        "kind": "managed",
        "vendor": {"external_id": "V-1"},
        "start_date": "2026-01-01",
    },
    "contractors": {"full_name": "Hostile", "vendor": {"external_id": "V-1"}},
    "departments": {"code": "H", "name": "Hostile"},
}
INSIDE = {
    "skills": ["Python"],
    "parent": {"code": "D-1"},
    "head": {"external_id": "P-1"},
    "owner": {"external_id": "P-1"},
    "department": {"code": "D-1"},
    "service": {"external_id": "none"},
    "cost_split": {
        "effective_date": "2026-01-01",
        "shares": [{"cost_center": {"code": "C-1"}, "percent": "100"}],
    },
    "monthly_fee": {"amount": "1", "currency": "GBP", "effective_date": "2026-01-01"},
    "rate": {
        "pay_rate": "1",
        "pay_period": "DAY",
        "pay_currency": "GBP",
        "effective_date": "2026-01-01",
        "hours_per_day": "8",
        "overtime_multiplier": "1",
    },
}
# The sharpest of them, for the places inside objects.
SHARP = [*FRAGMENTS[:4], "9223372036854775808", "1e400", "null", "[[]]", '"²"', '"0"']
MARK = "@@here@@"


def places(value: Any) -> Iterator[Any]:
    """Yield copies of the value, each with a mark in place of one of its parts."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield value | {name: MARK}
            yield from (value | {name: marked} for marked in places(inner))
    elif isinstance(value, list):
        yield [MARK]
        yield from ([marked] for marked in places(value[0]))


def filled(body: Any, fragment: str) -> bytes:
    return json.dumps(body).replace(f'"{MARK}"', fragment).encode()


def assault(send: Callable[[bytes], Any], names: list[str], body: Any) -> set[int]:
    """Send each fragment to each field; return the statuses that were answered."""
    bodies = [
        *in_whole_fields(send, names, body),
        *inside_of_fields(names, body),
    ]
    return {checked(send(each)).status_code for each in bodies}


def in_whole_fields(
    send: Callable[[bytes], Any], names: list[str], body: Any
) -> Iterator[bytes]:
    """Try all fields at once; yield a body for each field that took the fragment."""
    for fragment in FRAGMENTS:
        refused = checked(send(filled(dict.fromkeys(names, MARK), fragment)))
        assert refused.status_code == 400, fragment
        pointers = [error["pointer"] for error in refused.json()["errors"]]
        # Without a pointer the parser refused it, and so in every place.
        refusing = {pointer.split("/")[1] for pointer in pointers} or set(names)
        for name in sorted(set(names) - refusing):
            yield filled(body | {name: MARK}, fragment)


def inside_of_fields(names: list[str], body: Any) -> Iterator[bytes]:
    for name in sorted(INSIDE.keys() & set(names)):
        kind = {"kind": "augmented"} if name == "rate" and "kind" in body else {}
        for marked in places(INSIDE[name]):
            for fragment in SHARP:
                yield filled(body | kind | {name: marked}, fragment)


def checked(response: Any) -> Any:
    assert response.status_code < 500, response.request
    assert response["Content-Type"].endswith("json")
    return response


def fields(component: str) -> list[str]:
    return list(SCHEMA["components"]["schemas"][component]["properties"])


@pytest.fixture
def others(api):
    make_vendor(external_id="V-1")
    make_user(external_id="P-1")
    make_department(code="D-1")
    make_cost_centre(code="C-1")


@pytest.mark.parametrize(
    ("noun", "component"),
    [
        ("vendors", "VendorUpsertRequest"),
        ("engagements", "EngagementUpsertRequest"),
        ("contractors", "ContractorUpsertRequest"),
        ("departments", "DepartmentUpsertRequest"),
    ],
)
def test_upsert_withstands_hostile_values_everywhere(api, others, noun, component):
    path = f"/api/v1/{noun}/by-external-id/H-1"

    statuses = assault(
        lambda body: api.put(path, data=body, content_type="application/json"),
        fields(component),
        BODIES[noun],
    )

    assert {200, 422} <= statuses <= {200, 201, 400, 409, 422}
    assert_nothing_is_poisoned(api)


@pytest.mark.parametrize(
    ("noun", "component"),
    [
        ("vendors", "PatchedVendorChangeRequest"),
        ("engagements", "PatchedEngagementChangeRequest"),
    ],
)
def test_change_withstands_hostile_values_everywhere(api, others, noun, component):
    created = api.put(f"/api/v1/{noun}/by-external-id/H-1", BODIES[noun])
    path = f"/api/v1/{noun}/{created.json()['id']}"

    statuses = assault(
        lambda body: api.patch(
            path, body, content_type="application/json", headers={"If-Match": "*"}
        ),
        fields(component),
        {},
    )

    assert {200, 422} <= statuses <= {200, 400, 409, 422}
    assert_nothing_is_poisoned(api)


def test_time_withstands_hostile_values_everywhere(api, others):
    begun(make_contract(external_id="E-1"))
    body = {
        "source_id": "T-1",
        "engagement": {"external_id": "E-1"},
        "worked_on": "2026-02-02",
        "hours": "1",
    }

    statuses = assault(
        lambda sent: api.post(
            "/api/v1/timesheet-entries", sent, content_type="application/json"
        ),
        fields("TimeEntryBodyRequest"),
        body,
    )

    assert {200, 201, 422} <= statuses <= {200, 201, 400, 422}
    page = api.get("/api/v1/timesheet-entries?page_size=200").json()
    check("TimeEntryPage", page)


@pytest.mark.parametrize("noun", ["vendors", "engagements", "contractors"])
def test_addresses_withstand_hostile_values(api, others, noun):
    hostile = [
        *("%00", "a%00", "%0A", "%FF", "%ED%A0%80", "%C0%80", "%E2%80%AE", "%252F"),
        *("..%2F..", "%2e", "a" * 5000, "9" * 5000, "%F4%90%80%80", "%20", "+", ";"),
    ]
    statuses = set()
    for value in hostile:
        for name in ("cursor", "page_size", "updated_since", "vendor", value[:50]):
            statuses.add(api.get(f"/api/v1/{noun}?{name}={value}").status_code)
        by_external_id = f"/api/v1/{noun}/by-external-id/{value}"
        statuses.add(api.get(by_external_id).status_code)
        statuses.add(api.put(by_external_id, BODIES[noun]).status_code)
        statuses.add(api.get(f"/api/v1/{noun}/{value}").status_code)

    assert statuses <= {200, 201, 400, 404, 409, 422}
    assert_nothing_is_poisoned(api)


def assert_nothing_is_poisoned(api):
    """Every row that was stored can be read, told and changed again."""
    for noun, page, model in (
        ("vendors", "VendorPage", Vendor),
        ("engagements", "EngagementPage", Engagement),
        ("contractors", "ContractorPage", Contractor),
        ("departments", "DepartmentPage", Department),
    ):
        answer = api.get(f"/api/v1/{noun}?page_size=200")
        assert answer.status_code == 200
        check(page, answer.json())
        assert len(answer.json()["results"]) == model.objects.count()
        for record in model.objects.all():
            record.full_clean()
            str(record).encode()
