import logging

import pytest
from django.http import HttpResponse

from config.middleware import RequestIdMiddleware
from engagements import request_id


def policy(response):
    directives = response["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


def test_request_id_given_by_the_caller_is_kept(client):
    response = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-42"})

    assert response["X-Request-ID"] == "from-the-proxy-42"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "spaces in it", "a\u0000bcdefgh"]
)
def test_request_id_that_is_not_plain_is_replaced(client, given):
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert len(response["X-Request-ID"]) == 32
    assert response["X-Request-ID"].isalnum()


def test_request_id_is_current_during_the_request_alone(rf):
    seen = []

    def view(request):
        seen.append(request_id.current())
        return HttpResponse()

    RequestIdMiddleware(view)(rf.get("/", headers={"X-Request-ID": "during-this"}))

    assert (seen, request_id.current()) == (["during-this"], "")


def test_request_log_tells_the_path_without_the_query(rf, caplog):
    caplog.set_level(logging.INFO, logger="config.requests")

    RequestIdMiddleware(lambda _: HttpResponse(status=404))(rf.get("/who?name=Mara"))

    assert [record.getMessage() for record in caplog.records] == ["GET /who 404"]
    assert caplog.records[0].status == 404


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/calendar/a-secret.ics", "/calendar/….ics"),
        ("/unsubscribe/a-secret/", "/unsubscribe/…/"),
    ],
)
def test_request_log_tells_no_key_in_an_address(rf, caplog, path, told):
    caplog.set_level(logging.INFO, logger="config.requests")

    RequestIdMiddleware(lambda _: HttpResponse())(rf.get(path))

    assert [record.getMessage() for record in caplog.records] == [f"GET {told} 200"]
    assert caplog.records[0].path == told


def test_request_log_leaves_probes_out(client, caplog):
    caplog.set_level(logging.INFO, logger="config.requests")

    client.get("/healthz")

    assert caplog.records == []


def test_policy_is_strict_outside_the_admin(client):
    assert policy(client.get("/healthz")) == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }


def test_policy_is_widened_for_the_admin_by_two_words(client, db):
    strict = policy(client.get("/healthz"))

    widened = policy(client.get("/admin/login/"))

    assert widened == strict | {
        "script-src": "'self' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
    }
