"""What every resource does alike: query, body, pages, entity tags, scopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.utils.cache import patch_vary_headers
from orjson import Fragment
from rest_framework import status, viewsets
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.models import Tombstone
from engagements.permissions import sees_money
from engagements.services.spending import heard_of_money, hearing_of_money
from tracker.api.errors import BodyTooLarge, QueryRefused
from tracker.api.fields import Line, Moment, Patterned, StrictShape, WholeInQuery
from tracker.api.formats import encode
from tracker.api.idempotency import Handler, once, refuse_reused_key
from tracker.api.pagination import (
    LARGEST_PAGE,
    PAGE_SIZE,
    Position,
    after,
    changed_after,
    name_query,
    read_cursor,
    write_cursor,
)
from tracker.api.preconditions import etag_of, is_unchanged

Row = dict[str, Any]
M = TypeVar("M", bound=Model)

EXTERNAL_ID_PATH = "by-external-id/<path:external_id>"


class PageQuery(StrictShape):
    """Parameters that every list takes."""

    cursor = Patterned(
        pattern=r"^[A-Za-z0-9_:-]+$",
        wanted="next_cursor as it was answered",
        min_length=1,
        max_length=400,
        required=False,
        help_text="The page after: `next_cursor` of the page before, same filters.",
    )
    page_size = WholeInQuery(
        smallest=1,
        largest=LARGEST_PAGE,
        required=False,
        help_text=f"Rows a page; {PAGE_SIZE} where not given.",
    )
    updated_since = Moment(
        required=False,
        help_text=(
            "Only records changed at this time or later, in the order of their last"
            " change; all others come in the order in which they came to be."
        ),
    )


class ExternalId(StrictShape):
    external_id = Line(max_length=200)


class Resource(viewsets.ViewSet):
    """A noun of the API. Subclasses name it and its permissions, and have the verbs."""

    noun: ClassVar[str]
    read_permissions: ClassVar[tuple[str, ...]]
    write_permissions: ClassVar[tuple[str, ...]]
    # From the names of stored fields to the API's, where the two differ.
    names: ClassVar[Mapping[str, str]]
    # What its lists are called in cursors, where several are of one noun.
    place: ClassVar[str] = ""
    # Whether even a POST changes nothing, so that the scope for reading covers it.
    is_question: ClassVar[bool] = False
    # Whether the scope for reading opens it to the HR integration, whatever its role.
    opens_to_hr_keys: ClassVar[bool] = False
    # What tombstones of its records are called; blank where none is ever deleted.
    is_buried_as: ClassVar[str] = ""
    # Actions that take parameters in the address, and read them.
    reads_query: ClassVar[tuple[str, ...]] = ("list",)
    # In bytes; None for the limit that holds for all.
    largest_body: ClassVar[int | None] = None
    # Without "options": it would stand in Allow, and there is nothing behind it.
    post: Handler
    http_method_names: tuple[str, ...] = ("get", "head", "put", "patch")
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    @classmethod
    def permissions_for(cls, verb: str) -> tuple[str, ...]:
        return cls.read_permissions if verb == "read" else cls.write_permissions

    @property
    def default_response_headers(self) -> dict[str, str]:
        return super().default_response_headers | {
            "Cache-Control": "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with hearing_of_money():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if self.action is None:
            self.http_method_not_allowed(request)
        _check_size(request, self.largest_body or settings.API_MAX_BODY_BYTES)
        super().initial(request, *args, **kwargs)
        if self.action not in self.reads_query:
            read_query(request, StrictShape)
        if request.method == "POST" and not self.is_question:
            self.post = once(self.post)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        # Who asks decides what is answered.
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    def page(
        self,
        request: Request,
        *,
        query: Mapping[str, Any],
        rows: QuerySet[M, Any],
        represent: Callable[[QuerySet[M, Any]], list[tuple[Position, Row]]],
    ) -> Response:
        """Answer one page of the rows; one row more is read to know of a next one.

        With `updated_since`, the page also tells which records were deleted.
        """
        size = query.get("page_size", PAGE_SIZE)
        since = query.get("updated_since")
        filters = {k: v for k, v in query.items() if k not in ("cursor", "page_size")}
        name = name_query(self.place or self.noun, filters)
        position = read_cursor(query.get("cursor"), query=name)
        deleted: list[tuple[Position, Row]] = []
        if since is None:
            found = represent(after(rows, position)[: size + 1])
        else:
            found = represent(self.changed(rows, since, position)[: size + 1])
            deleted = self._deleted(since, position, size + 1)
        places = [place for place, _row in found]
        if deleted:
            places = sorted([*places, *(place for place, _row in deleted)])
        cursor = None
        if len(places) > size:
            last = places[size - 1]
            cursor = write_cursor(last, query=name)
            # Only a walk over changes has deleted ones, and it goes by these places.
            found = (
                [one for one in found if one[0] <= last] if deleted else found[:size]
            )
            deleted = [one for one in deleted if one[0] <= last]
        answer: Row = {"results": [row for _place, row in found]}
        if since is not None and self.is_buried_as:
            answer["deleted"] = [row for _place, row in deleted]
        return respond(request, answer | {"next_cursor": cursor})

    def changed(
        self, rows: QuerySet[M, Any], since: datetime, position: Position | None
    ) -> QuerySet[M, Any]:
        """Return the rows changed since, past the position, in that order."""
        return changed_after(rows.filter(updated_at__gte=since), position)

    def _deleted(
        self, since: datetime, position: Position | None, limit: int
    ) -> list[tuple[Position, Row]]:
        if not self.is_buried_as:
            return []
        stones = Tombstone.objects.filter(
            model_name=self.is_buried_as, deleted_at__gte=since
        )
        stones = changed_after(stones, position, moment="deleted_at", key="record_id")
        columns = ("deleted_at", "record_id", "public_id")
        return [
            (Position(deleted_at, pk), {"id": public_id, "deleted_at": deleted_at})
            for deleted_at, pk, public_id in stones.values_list(*columns)[:limit]
        ]


def respond(
    request: Request,
    data: Row | list[Row] | Fragment,
    *,
    is_new: bool = False,
    location: str = "",
) -> Response:
    """Answer the data with its ETag, or 304 where the caller has it already.

    A fragment is JSON already. A record is answered with what budgets warned of as it
    was written. Its ETag is that of the record alone, as it is read later.
    """
    body = encode(data)
    headers = {"ETag": etag_of(body)}
    warnings = heard_of_money()
    if warnings and isinstance(data, dict) and sees_money(request.user):
        body = encode(data | {"warnings": warnings})
    if location:
        headers["Location"] = location
    if request.method in ("GET", "HEAD") and is_unchanged(request, headers["ETag"]):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
    code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    return Response(body, status=code, headers=headers)


def once_more(write: Callable[[], Response]) -> Response:
    """Write; where another caller has just created the record, write again.

    The second time it is there to be changed. An id that is taken by a record out of
    the caller's sight is refused the second time as the first.
    """
    try:
        return write()
    except IntegrityError:
        return write()
    except DjangoValidationError as error:
        if not {"external_id", "source_key"} & getattr(error, "error_dict", {}).keys():
            raise
        return write()


def read_query(request: Request, shape: type[StrictShape]) -> dict[str, Any]:
    """Return the address's parameters; raises 400 on unknown and repeated ones."""
    given = {name: values[0] for name, values in request.query_params.lists()}
    repeated = [n for n, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        detail = ErrorDetail("Give this once.", "repeated")
        raise QueryRefused({name[:100]: [detail] for name in repeated})
    try:
        found: dict[str, Any] = _parameters(shape).run_validation(given)
    except ValidationError as error:
        raise QueryRefused(error.detail) from error
    return found


@cache
def _parameters(shape: type[StrictShape]) -> StrictShape:
    """Return the shape, made once: it keeps nothing of what it reads."""
    return shape()


def read_body(request: Request, shape: type[StrictShape]) -> dict[str, Any]:
    """Return the body as the shape reads it; raises 400 where it doesn't fit."""
    # Where there is no body, no parser is asked, and {} would pass for one.
    if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        raise ParseError("Send a JSON object.")
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    refuse_reused_key(request)
    found: dict[str, Any] = body.validated_data
    return found


def read_external_id(text: str) -> str:
    """Return the external id in an address; raises 400 where it isn't fit for one."""
    shape = ExternalId(data={"external_id": text})
    try:
        shape.is_valid(raise_exception=True)
    except ValidationError as error:
        raise QueryRefused(error.detail) from error
    return str(shape.validated_data["external_id"])


def _check_size(request: Request, limit: int) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge(f"A body has at most {limit} bytes.")
