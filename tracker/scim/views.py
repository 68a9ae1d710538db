"""`/scim/v2`: requests of Django's as the SCIM server reads them, and back."""

import json
import logging
from types import SimpleNamespace
from typing import Any, cast

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from scim2_models import (
    ForbiddenException,
    InvalidSyntaxException,
    PayloadTooLargeException,
    SCIMException,
    UnauthorizedException,
)
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation

from tracker.api.authentication import ApiKeyAuthentication, TokenAuthentication
from tracker.api.models import ApiKey
from tracker.api.scopes import allows
from tracker.api.throttling import PerCaller
from tracker.directory.choices import SyncKind
from tracker.directory.models import DirectoryPerson, Team
from tracker.directory.services import tell, tell_refusal
from tracker.scim.provider import PROVIDER, USER_TYPE
from tracker.scim.service import SCOPES, Heard, PeopleService, Unmatched
from tracker.scim.storage import DirectoryStorage

NUL = "\0"
RETRY_SECONDS = 2

log = logging.getLogger(__name__)


class TooManyRequestsException(SCIMException):
    status = 429
    _default_detail = "Too many requests; try again when Retry-After has passed."


class UnavailableException(SCIMException):
    status = 503
    _default_detail = "The database is not answering. Try again shortly."


@csrf_exempt
def scim(request: HttpRequest, path: str = "") -> HttpResponse:
    """Serve one request; what came to nothing is told once it is over."""
    heard = Heard()
    service = PeopleService(PROVIDER, heard)
    headers: dict[str, str] = {}
    try:
        response = _serve(request, path, service, headers)
    except SCIMException as refusal:
        response = service.error_response(refusal)
    except (OperationalError, InterfaceError) as error:
        log.error("the database did not answer: %s", error)
        response = service.error_response(UnavailableException())
        headers["Retry-After"] = str(RETRY_SECONDS)
    except Exception as error:
        # Answered as SCIM does, and told in full where faults of ours are looked for.
        log.exception("SCIM request failed")
        response = service.error_response(error)
    return _as_django(response, headers)


def _serve(
    request: HttpRequest, path: str, service: PeopleService, headers: dict[str, str]
) -> ScimResponse:
    asked = ScimRequest(
        method=request.method or "GET",
        base_url=request.build_absolute_uri(reverse("scim")).rstrip("/"),
        path=f"/{path}",
        query={name: str(value) for name, value in request.GET.items()},
        headers=dict(request.headers.items()),
    )
    operation = service.match(asked).operation
    # RFC 7643 §5 lets everybody read what the service can do.
    if operation is Operation.service_provider_config:
        return ScimHandler(service, _nobodys_storage()).handle(asked)
    key = _authenticated(request, headers)
    asked.subject = key
    asked.body = _body(request)
    _refuse_nul(asked)
    storage = DirectoryStorage(
        source=key.name,
        actor=key.owner,
        is_reading=asked.method == "GET" or operation is Operation.search_with_body,
    )
    try:
        return ScimHandler(service, storage).handle(asked)
    finally:
        _tell(storage, service.heard)


def _authenticated(request: HttpRequest, headers: dict[str, str]) -> ApiKey:
    """Return the key of the request, counted against its limit."""
    rest_request = Request(request)
    try:
        found = ApiKeyAuthentication().authenticate(
            rest_request
        ) or TokenAuthentication().authenticate(rest_request)
    except AuthenticationFailed as refusal:
        raise UnauthorizedException(detail=str(refusal.detail)) from refusal
    if found is None:
        raise UnauthorizedException(
            detail="Send an API key, or a token for it, as Bearer."
        )
    owner, key = found
    rest_request.user, rest_request.auth = owner, cast(Any, key)
    _count(rest_request, headers)
    if not allows(key.scopes, SCOPES["read"]):
        raise ForbiddenException(detail=f"This key lacks the scope {SCOPES['read']}.")
    return key


def _count(request: Request, headers: dict[str, str]) -> None:
    throttle = PerCaller()
    is_allowed = throttle.allow_request(request, SimpleNamespace(headers=headers))
    if not is_allowed:
        headers["Retry-After"] = f"{throttle.wait():.0f}"
        raise TooManyRequestsException


def _body(request: HttpRequest) -> bytes:
    limit: int = settings.API_MAX_BODY_BYTES
    try:
        body: bytes = request.read(limit + 1)
    except UnreadablePostError:
        raise InvalidSyntaxException(detail="The body could not be read.") from None
    if len(body) > limit:
        raise PayloadTooLargeException(detail=f"A body is at most {limit} bytes.")
    return body


def _refuse_nul(request: ScimRequest) -> None:
    """Refuse what PostgreSQL can't hold, before anything is looked up."""
    if any(NUL in value for value in (request.path, *request.query.values())):
        raise InvalidSyntaxException(detail="The address holds a NUL character.")
    if b"\\u0000" in request.body:
        raise InvalidSyntaxException(detail="The body holds a NUL character.")


def _nobodys_storage() -> DirectoryStorage:
    return DirectoryStorage(source="", actor=None, is_reading=True)


def _tell(storage: DirectoryStorage, heard: Heard) -> None:
    for refusal in storage.refusals:
        tell_refusal(refusal=refusal, source=storage.source)
    for unmatched in dict.fromkeys(heard.unmatched):
        _tell_unmatched(unmatched, storage.source)


def _tell_unmatched(unmatched: Unmatched, source: str) -> None:
    person: DirectoryPerson | None = None
    team: Team | None = None
    if unmatched.resource_id is not None:
        if unmatched.resource_type == USER_TYPE.name:
            person = DirectoryPerson.objects.filter(
                public_id=unmatched.resource_id
            ).first()
        else:
            team = Team.objects.filter(public_id=unmatched.resource_id).first()
    tell(
        kind=SyncKind.PATH_MATCHED_NOTHING,
        name="" if person or team else unmatched.resource_type,
        person=person,
        team=team,
        detail=unmatched.path,
        source=source,
    )


def _as_django(response: ScimResponse, headers: dict[str, str]) -> HttpResponse:
    body = b"" if response.body is None else json.dumps(response.body).encode()
    # People's data is for whoever asked, and is asked again each time.
    fixed = {"Cache-Control": "private, no-cache"}
    return HttpResponse(
        body,
        status=response.status.value,
        headers=fixed | response.headers | headers,
    )
