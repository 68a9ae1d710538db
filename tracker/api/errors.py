"""Every refusal as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from engagements.errors import ApprovalNeededError, NotAllowedError, TrackerError
from tracker.api.formats import encode
from tracker.spend.services import told_at_commit

CONTENT_TYPE = "application/problem+json"
API_PATHS = ("/api/", "/hris/")
RETRY_SECONDS = 2
# The codes by which Django's own validation says that a value is taken.
TAKEN = frozenset({"unique", "unique_together", "unique_for_date"})

log = logging.getLogger(__name__)


class Conflict(exceptions.APIException):
    """The request is well formed, but the records stand against it."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


class PreconditionFailed(exceptions.APIException):
    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "The record was changed since you read it: read it again."
    default_code = "stale"


class PreconditionRequired(exceptions.APIException):
    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_detail = "Send the ETag that you read in If-Match."
    default_code = "if_match_required"


class BodyTooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class Unprocessable(exceptions.ValidationError):
    """The request fits the schema, but what it says can't be."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


class QueryRefused(exceptions.ValidationError):
    """A parameter in the address breaks the schema."""

    is_about_query = True


class HeaderRefused(exceptions.ValidationError):
    """A header breaks the schema."""

    is_about_query = True


class CursorRefused(Unprocessable):
    default_code = "cursor"
    is_about_query = True


class Unavailable(exceptions.APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database is not answering. Try again shortly."
    default_code = "unavailable"
    wait = RETRY_SECONDS


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the problem for an error in a view, or None for a fault of ours."""
    refusal = _refusal(error, names=getattr(context["view"], "names", {}))
    if refusal is None:
        return None
    return Response(
        problem_of(refusal),
        status=refusal.status_code,
        headers=_headers(refusal),
        content_type=CONTENT_TYPE,
    )


def problem_of(refusal: exceptions.APIException) -> dict[str, Any]:
    """Return the problem; each error points into the body or names a parameter."""
    status = HTTPStatus(refusal.status_code)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
    }
    if not isinstance(refusal.detail, exceptions.ErrorDetail):
        is_about_query = getattr(refusal, "is_about_query", False)
        errors = [
            {
                **({"parameter": path[1:]} if is_about_query else {"pointer": path}),
                "detail": str(detail),
                "code": detail.code,
            }
            for path, detail in _leaves(refusal.detail)
        ]
        return problem | {"detail": _summary(errors), "errors": errors}
    return problem | {
        "detail": str(refusal.detail),
        "code": refusal.detail.code,
        "errors": [],
    }


def _summary(errors: Sequence[Mapping[str, Any]]) -> str:
    if len(errors) == 1:
        return str(errors[0]["detail"])
    return f"{len(errors)} things are wrong; each stands in errors."


def _leaves(detail: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(detail, exceptions.ErrorDetail):
        yield path, detail
    elif isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, path if _is_whole(name) else _step(path, name))
    elif all(isinstance(inner, exceptions.ErrorDetail) for inner in detail):
        for inner in detail:
            yield path, inner
    else:
        for index, inner in enumerate(detail):
            yield from _leaves(inner, _step(path, index))


def _is_whole(name: str | int) -> bool:
    return name in ("non_field_errors", NON_FIELD_ERRORS)


def _step(path: str, name: str | int) -> str:
    """Return the JSON Pointer (RFC 6901) one step on."""
    return f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _refusal(
    error: Exception, *, names: Mapping[str, str]
) -> exceptions.APIException | None:
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound("There is no such record that you can see.")
        case PermissionDenied() | NotAllowedError():
            return exceptions.PermissionDenied(str(error) or None)
        case ApprovalNeededError():
            return Conflict(str(error), "approval_needed")
        case TrackerError():
            return Conflict(str(error))
        case ValidationError():
            return _invalid(error, names)
    return _refused_by_platform(error)


def _refused_by_platform(error: Exception) -> exceptions.APIException | None:
    match error:
        case IntegrityError():
            log.info("refused by the database: %s", error)
            told = told_at_commit(error)
            return Conflict(
                str(told)
                if told
                else "The database refused this: something else has taken it."
            )
        case DataError():
            log.info("refused by the database: %s", error)
            return Unprocessable("A value is beyond what can be stored.")
        case OperationalError() | InterfaceError():
            log.error("the database did not answer: %s", error)
            return Unavailable()
        case RequestDataTooBig():
            return BodyTooLarge()
        case SuspiciousOperation() | UnreadablePostError():
            return exceptions.ParseError("The request could not be read.")
    return None


def _invalid(
    error: ValidationError, names: Mapping[str, str]
) -> exceptions.APIException:
    """Return what a service refused, under the API's names: taken is 409, else 422."""
    by_field = _errors_by_field(error)
    detail = {
        names.get(field, field): [
            exceptions.ErrorDetail(" ".join(inner.messages), inner.code or "invalid")
            for inner in inners
        ]
        for field, inners in by_field.items()
    }
    codes = {inner.code for inners in by_field.values() for inner in inners}
    refusal = Unprocessable(detail)
    if codes & TAKEN:
        refusal.status_code = HTTPStatus.CONFLICT
    return refusal


def _errors_by_field(error: ValidationError) -> dict[str, list[ValidationError]]:
    if hasattr(error, "error_dict"):
        found: dict[str, list[ValidationError]] = error.error_dict
        return found
    return {NON_FIELD_ERRORS: error.error_list}


def _headers(refusal: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(refusal, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(refusal, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    return headers


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's answer to an address that leads nowhere; a problem below API_PATHS."""
    if not request.path.startswith(API_PATHS):
        return defaults.page_not_found(request, exception)
    return _as_response(exceptions.NotFound("There is nothing at this address."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not request.path.startswith(API_PATHS):
        return defaults.bad_request(request, exception)
    return _as_response(exceptions.ParseError("The request could not be read."))


def server_error(request: HttpRequest) -> HttpResponseBase:
    if not request.path.startswith(API_PATHS):
        return defaults.server_error(request)
    return _as_response(
        exceptions.APIException("Something went wrong on our side; it was recorded.")
    )


def _as_response(refusal: exceptions.APIException) -> HttpResponse:
    return HttpResponse(
        encode(problem_of(refusal)),
        status=refusal.status_code,
        content_type=CONTENT_TYPE,
    )
