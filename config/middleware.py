import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation

from engagements import request_id

GetResponse = Callable[[HttpRequest], HttpResponseBase]

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
API = "/api/"
PROBES = ("/healthz", "/readyz")
# The address of a calendar feed, or of an unsubscription, is its key, and no key
# belongs in a log.
KEY_IN_PATH = re.compile(r"(?<=^/calendar/).+(?=\.ics$)|(?<=^/unsubscribe/).+(?=/$)")

log = logging.getLogger("config.requests")


class RequestIdMiddleware:
    """Names each request, tells the name in X-Request-ID, logs how it ended.

    A caller's own X-Request-ID is kept when it is plain, so that one name can be
    followed from the proxy's log to the event log.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = given_or_new_id(request.headers.get("X-Request-ID", ""))
        with request_id.working_for(name):
            started = time.monotonic()
            response = self.get_response(request)
            log_request(request, response, seconds=time.monotonic() - started)
        response["X-Request-ID"] = name
        return response


def given_or_new_id(given: str) -> str:
    return given if GIVEN_ID.fullmatch(given) else uuid4().hex


def log_request(
    request: HttpRequest, response: HttpResponseBase, *, seconds: float
) -> None:
    if request.path in PROBES:
        return
    # Without the query: searches and filters can name people.
    path = KEY_IN_PATH.sub("…", request.path)
    log.info(
        "%s %s %d",
        request.method,
        path,
        response.status_code,
        extra={
            "method": request.method,
            "path": path,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 1),
        },
    )


class AdminPolicyMiddleware:
    """Lets django-unfold's own scripts run: on the admin's pages, nowhere else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        # Alpine.js, which unfold is written in, evaluates its attributes as code
        # and sets style attributes.
        self.get_admin_response = csp_update(
            {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}
        )(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(reverse("admin:index")):
            return self.get_admin_response(request)
        return self.get_response(request)


class LanguageMiddleware(LocaleMiddleware):
    """Answers in the language that somebody chose, or else in their browser's.

    Stands behind the session: what a person chose goes with them from one browser to
    another. The API is read by programs, and stays English.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path.startswith(API):
            chosen = settings.LANGUAGE_CODE
        else:
            chosen = getattr(request.user, "language", "")
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()
