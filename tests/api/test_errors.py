import json

import pytest
from django.db import DataError, IntegrityError, OperationalError
from django.test import Client, override_settings

from tests.api.callers import put
from tracker.api import vendors as vendors_module

pytestmark = pytest.mark.django_db

VENDORS = "/api/v1/vendors"
BY_EXTERNAL_ID = f"{VENDORS}/by-external-id/V-1"
ACME = {"legal_name": "Acme"}


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == response.status_code
    assert set(body) >= {"type", "title", "status", "detail", "errors"}
    return body


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/v1/vendors/", 404),
        ("get", "/api/v1/vendors/7", 404),
        ("get", "/api/v1/vendors/00000000-0000-0000-0000-000000000000", 404),
        ("get", BY_EXTERNAL_ID, 404),
        ("get", f"{VENDORS}/by-external-id/a%0Ab", 404),
        ("get", f"{VENDORS}/by-external-id/a%00b", 400),
        ("get", f"{VENDORS}/by-external-id/a%ED%A0%80b", 404),
        ("get", f"{VENDORS}/by-external-id/{'a' * 201}", 400),
        ("delete", VENDORS, 405),
        ("post", "/api/v1/people", 405),
        ("options", VENDORS, 405),
        ("patch", BY_EXTERNAL_ID, 405),
    ],
)
def test_address_that_leads_nowhere_is_a_problem(api, method, path, expected):
    response = getattr(api, method)(path)

    assert problem(response)["status"] == expected


def test_refused_method_names_the_others(api):
    assert api.delete(VENDORS)["Allow"] == "GET, HEAD, POST"


def test_pages_outside_the_api_answer_as_pages():
    response = Client().get("/nothing-here")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("application/xml", 406),
    ],
)
def test_answers_are_json_or_406(api, accept, expected):
    assert api.get(VENDORS, headers={"Accept": accept}).status_code == expected


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; b=x"],
)
def test_body_that_is_not_json_is_415(api, content_type):
    response = api.put(BY_EXTERNAL_ID, data="a=b", content_type=content_type)

    assert problem(response)["status"] == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b'{"legal_name": "Acme"} {}',
        b'{"legal_name": "A", "legal_name": "B"}',
        b'{"legal_name": "Ac\\ud800me"}',
        b'{"legal_name": "Ac\xed\xa0\x80me"}',
        b'{"legal_name": "Ac\xffme"}',
        b'\xef\xbb\xbf{"legal_name": "Acme"}',
        '{"legal_name": "Acme"}'.encode("utf-16"),
        b'{"payment_terms_days": NaN, "legal_name": "Acme"}',
        b'{"payment_terms_days": 1e400, "legal_name": "Acme"}',
        b'{"payment_terms_days": ' + b"9" * 5000 + b', "legal_name": "Acme"}',
        b"[" * 100_000,
        b'{"legal_name":' * 20_000 + b"1" + b"}" * 20_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_body_that_readers_disagree_on_is_400(api, body):
    response = api.put(BY_EXTERNAL_ID, data=body, content_type="application/json")

    assert problem(response)["status"] == 400


def test_body_over_the_limit_is_413(api):
    body = b'{"legal_name": "' + b"A" * 10_000_000 + b'"}'

    response = api.put(BY_EXTERNAL_ID, data=body, content_type="application/json")

    assert problem(response)["status"] == 413


@override_settings(API_REQUESTS_PER_MINUTE=2)
def test_too_many_requests_are_429(api):
    responses = [api.get(VENDORS) for _ in range(3)]

    assert [r.status_code for r in responses] == [200, 200, 429]
    assert [r["RateLimit-Remaining"] for r in responses] == ["1", "0", "0"]
    assert 1 <= int(problem_headers(responses[2])["Retry-After"]) <= 60


def problem_headers(response):
    problem(response)
    return response.headers


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (IntegrityError("vendor_named"), 409),
        (DataError("value too long"), 422),
        (OperationalError("server closed the connection"), 503),
        (RuntimeError("a fault of ours, with the secret 1234"), 500),
    ],
)
def test_what_the_database_refuses_is_a_problem(api, monkeypatch, error, expected):
    def refuse(**_):
        raise error

    monkeypatch.setattr(vendors_module, "register_vendor", refuse)

    response = put(api, "vendors", "V-1", ACME)

    assert problem(response)["status"] == expected
    assert str(error) not in response.content.decode()


def test_database_that_does_not_answer_says_when_to_try_again(api, monkeypatch):
    def refuse(**_):
        raise OperationalError

    monkeypatch.setattr(vendors_module, "register_vendor", refuse)

    assert put(api, "vendors", "V-1", ACME)["Retry-After"] == "2"


def test_answers_are_for_the_caller_alone(api):
    response = api.get(VENDORS)

    assert response["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
