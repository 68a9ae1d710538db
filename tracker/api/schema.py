"""What drf-spectacular can't see: problems, entity tags, and the two open pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from tracker.api import idempotency
from tracker.api.errors import CONTENT_TYPE
from tracker.api.fields import LINE
from tracker.api.formats import encode
from tracker.api.preconditions import etag_of

Schema = dict[str, Any]


def one(shape: type[serializers.Serializer[Any]]) -> Any:
    """Say that a list is answered as one object, not as an array of these."""
    return forced_singular_serializer(shape)  # type: ignore[no-untyped-call] # as it comes


IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag last read. 428 where missing, 412 where out of date.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag last read: 304 where nothing has changed.",
)
# On operations that are sent by POST for the size of what is asked alone.
CHANGES_NOTHING = "x-changes-nothing"
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request: sent again within 24 hours, it has one effect"
    " and the same answer. 422 with another body.",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
# An upsert takes both and asks for neither.
UPSERT_CONDITIONS: list[Schema] = [
    {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag last read: 412 where it is out of date.",
        "schema": {"type": "string"},
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "description": "`*` to create only: 412 where there is such a record.",
        "schema": {"type": "string"},
    },
]
EXTERNAL_ID = OpenApiParameter(
    "external_id",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": LINE},
    OpenApiParameter.PATH,
    description="The record's id in the other system, percent-encoded.",
)

REASONS = {
    400: "The request breaks this schema.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key lacks a scope, or its owner the permission.",
    404: "There is no such record that the key's owner can see.",
    406: "Answers are JSON.",
    409: "Another record stands against it: a value is taken, or a term is set.",
    412: "The record was changed since it was read.",
    413: "The body is too large.",
    414: "The address is too long; answered by the web server, as a page.",
    415: "Bodies are JSON.",
    422: "The request fits the schema, but what it says can't be.",
    428: "If-Match is missing.",
    429: "Too many requests: wait for Retry-After.",
    503: "The database is not answering: try again after Retry-After.",
}
BY_WEB_SERVER = 414
ALWAYS = (400, 401, 403, 406, BY_WEB_SERVER, 429, 503)
ON_WRITING = (409, 412, 413, 415, 422)
ON_ASKING = (413, 415, 422)

ERROR_ITEM: Schema = {
    "type": "object",
    "description": "One thing that is wrong, by pointer or by parameter.",
    "properties": {
        "pointer": {
            "type": "string",
            "description": "Where in the body, as JSON Pointer (RFC 6901).",
        },
        "parameter": {
            "type": "string",
            "description": "Which parameter of the address.",
        },
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "required": ["detail", "code"],
}
PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal, after RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/ProblemError"},
        },
    },
    "required": ["type", "title", "status", "detail", "errors"],
}


def describe_problems(
    result: Schema, generator: Any, request: Any, public: bool
) -> Schema:
    """Add to each operation the refusals it can answer, and its ETag."""
    schemas = result["components"]["schemas"]
    schemas |= {"Problem": PROBLEM, "ProblemError": ERROR_ITEM}
    result["components"]["responses"] = {
        f"Problem{code}": _problem(code, reason) for code, reason in REASONS.items()
    }
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            codes = _refusals(path, method, operation)
            if method == "post" and CHANGES_NOTHING not in operation:
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
            if method == "put":
                operation["parameters"] = [
                    *operation.get("parameters", []),
                    *UPSERT_CONDITIONS,
                ]
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            _add_etag(operation["responses"])
            _split_description(operation)
            operation["responses"] |= {
                str(code): {"$ref": f"#/components/responses/Problem{code}"}
                for code in codes
            }
    return result


def _refusals(path: str, method: str, operation: Schema) -> list[int]:
    codes = set(ALWAYS)
    if "{" in path and method != "put":
        codes.add(404)
    if method in ("put", "patch", "post"):
        codes.update(ON_WRITING)
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    if method == "post":
        codes.update(ON_ASKING)
    if "cursor" in parameters:
        codes.add(422)
    if "If-None-Match" in parameters:
        operation["responses"]["304"] = {"description": "Nothing has changed."}
    if method == "patch":
        codes.add(428)
    if method == "delete":
        codes.update((409, 412))
    return sorted(codes)


def _split_description(operation: Schema) -> None:
    """Let the first line of the docstring be the summary, which lists show."""
    summary, _, rest = operation.pop("description", "").partition("\n")
    operation["summary"] = summary
    if rest.strip():
        operation["description"] = rest.strip()


def _add_etag(responses: Schema) -> None:
    for code, response in responses.items():
        if code in ("200", "201"):
            response["headers"] = {
                "ETag": {
                    "description": "Names just these bytes (RFC 9110, strong).",
                    "schema": {"type": "string"},
                }
            }


def _problem(code: int, reason: str) -> Schema:
    if code == BY_WEB_SERVER:
        return {"description": reason}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": reason, "content": {CONTENT_TYPE: {"schema": schema}}}


@lru_cache(maxsize=1)
def document() -> bytes:
    """Return the OpenAPI file as JSON; it only changes with the code."""
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    return encode(generator.get_schema(request=None, public=True))


def _etag(request: HttpRequest) -> str:
    return etag_of(document())


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_etag)
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")
