"""Records that are read, created, changed, and written by ids of other systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from engagements.models import User
from tracker.api.errors import Unprocessable
from tracker.api.fields import Named, StrictShape
from tracker.api.formats import encode
from tracker.api.pagination import Position
from tracker.api.permissions import caller
from tracker.api.preconditions import check_unchanged
from tracker.api.resource import (
    EXTERNAL_ID_PATH,
    PageQuery,
    Resource,
    Row,
    once_more,
    read_body,
    read_external_id,
    read_query,
    respond,
)
from tracker.api.schema import EXTERNAL_ID, IF_MATCH, IF_NONE_MATCH, one
from tracker.api.visibility import find

Facts = dict[str, Any]
Rows = QuerySet[Any, Any]
V = TypeVar("V", bound="ReadResource")
# From the API's name of a related record to who may be named there.
Related = Mapping[str, Callable[[User], QuerySet[Any]]]


@dataclass(frozen=True)
class Shapes:
    """What a noun looks like in each place."""

    record: type[Serializer[Any]]
    page: type[Serializer[Any]]
    query: type[PageQuery]
    # Those below are for nouns that can be written.
    creation: type[StrictShape] = StrictShape
    upsert: type[StrictShape] = StrictShape
    change: type[StrictShape] = StrictShape


class ReadResource(Resource):
    """A noun that is read: all of it by pages, and one by its id."""

    http_method_names: tuple[str, ...] = ("get", "head")
    shapes: ClassVar[Shapes]
    # From the names of filters to paths of fields.
    filters: ClassVar[Mapping[str, str]] = {}

    def rows(self, request: Request) -> Rows:
        """Return the rows that the caller may see."""
        raise NotImplementedError

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        """Return what is answered of each row, in the order of the rows."""
        raise NotImplementedError

    def narrow(self, rows: Rows, query: Mapping[str, Any], user: User) -> Rows:
        wanted = {
            path: query[name] for name, path in self.filters.items() if name in query
        }
        return rows.filter(**wanted)

    def list(self, request: Request) -> Response:
        query = read_query(request, self.shapes.query)
        return self.page(
            request,
            query=query,
            rows=self.narrow(self.rows(request), query, caller(request)),
            represent=lambda rows: self.represent(request, rows),
        )

    def retrieve(self, request: Request, id: UUID) -> Response:
        return respond(request, self.read(request, public_id=id))

    def read(self, request: Request, **key: Any) -> Row:
        for _position, row in self.represent(request, self.rows(request).filter(**key)):
            return row
        raise Http404


class MirrorResource(ReadResource):
    """A noun that is read by either of its ids, and written elsewhere."""

    @action(detail=False, methods=["get"], url_path=EXTERNAL_ID_PATH)
    def by_external_id(self, request: Request, external_id: str) -> Response:
        known_as = read_external_id(external_id)
        return respond(request, self.read(request, external_id=known_as))


class RecordResource(ReadResource):
    """A noun that is also created, changed, and upserted by external id."""

    http_method_names = ("get", "head", "post", "put", "patch")
    # The name of a record's own address.
    address: ClassVar[str]
    # Which field decides who sees a record.
    scope_field: ClassVar[str] = "department"

    def check(self, request: Request, facts: Facts) -> None:
        """Refuse facts that the caller may not write, whatever the record."""

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Model:
        raise NotImplementedError

    def change(self, record: Any, facts: Facts, actor: User) -> None:
        """Store the facts over those there; the row is locked by the caller."""
        raise NotImplementedError

    def create(self, request: Request) -> Response:
        facts = read_body(request, self.shapes.creation)
        self.check(request, facts)
        known_as = facts.pop("external_id", None)
        with transaction.atomic():
            record = self.add(facts, known_as, caller(request))
            row = self.read_written(request, pk=record.pk)
            return self._created(request, row)

    def partial_update(self, request: Request, id: UUID) -> Response:
        facts = read_body(request, self.shapes.change)
        self.check(request, facts)
        with transaction.atomic():
            self._change(request, facts, is_required=True, public_id=id)
            return respond(request, self.read_written(request, public_id=id))

    @action(detail=False, methods=["get", "put"], url_path=EXTERNAL_ID_PATH)
    def by_external_id(self, request: Request, external_id: str) -> Response:
        known_as = read_external_id(external_id)
        if request.method != "PUT":
            return respond(request, self.read(request, external_id=known_as))
        facts = read_body(request, self.shapes.upsert)
        self.check(request, facts)
        return once_more(lambda: self._upsert(request, known_as, facts))

    def read_written(self, request: Request, **key: Any) -> Row:
        """Read back; raises 422 where the write took it out of the writer's sight."""
        try:
            return self.read(request, **key)
        except Http404:
            said = f"Give {self.scope_field} within your own scope."
            raise Unprocessable({self.scope_field: [said]}, "scope") from None

    @transaction.atomic
    def _upsert(self, request: Request, known_as: str, facts: Facts) -> Response:
        if not self.rows(request).filter(external_id=known_as).exists():
            check_unchanged(request, None, is_required=False)
            self.add(facts, known_as, caller(request))
            row = self.read_written(request, external_id=known_as)
            return self._created(request, row)
        self._change(request, facts, is_required=False, external_id=known_as)
        return respond(request, self.read_written(request, external_id=known_as))

    def _change(
        self, request: Request, facts: Facts, *, is_required: bool, **key: Any
    ) -> None:
        rows = self.rows(request).select_for_update(of=("self",))
        record = rows.filter(**key).first()
        if record is None:
            raise Http404
        current = encode(self.read(request, pk=record.pk))
        check_unchanged(request, current, is_required=is_required)
        self.change(record, facts, caller(request))

    def _created(self, request: Request, row: Row) -> Response:
        location = reverse(self.address, args=[row["id"]])
        return respond(request, row, is_new=True, location=location)


def apply_facts(record: Model, facts: Facts, related: Related, actor: User) -> None:
    """Set the facts on the record; null stands for blank where a field isn't null.

    Raises 422 for another record that the actor may not name.
    """
    for name, value in facts.items():
        if isinstance(value, Named):
            value = find(related[name](actor), value, at=name)
        is_blank = value is None and not record._meta.get_field(name).null
        setattr(record, name, "" if is_blank else value)


def described(
    one_record: str, many: str, shapes: Shapes
) -> Callable[[type[V]], type[V]]:
    """Describe a noun's operations in the OpenAPI file.

    `one_record` and `many` name it, such as "cost_center" and "cost_centers".
    """
    words = one_record.replace("_", " ")
    article = "an" if words[0] in "aeiou" else "a"
    by_external_id = extend_schema(
        methods=["GET"],
        operation_id=f"read_{one_record}_by_external_id",
        description=f"Read the {words} with an id of the other system's.",
        parameters=[EXTERNAL_ID, IF_NONE_MATCH],
        responses=shapes.record,
    )
    operations: dict[str, Any] = {
        "list": extend_schema(
            operation_id=f"list_{many}",
            description=f"List {many.replace('_', ' ')}.",
            parameters=[shapes.query, IF_NONE_MATCH],
            responses=one(shapes.page),
        ),
        "retrieve": extend_schema(
            operation_id=f"read_{one_record}",
            description=f"Read {article} {words}.",
            parameters=[IF_NONE_MATCH],
            responses=shapes.record,
        ),
        "by_external_id": [by_external_id],
    }
    if shapes.upsert is not StrictShape:
        operations |= _writing(one_record, f"{article} {words}", shapes)
        operations["by_external_id"] = [by_external_id, _upserting(one_record, shapes)]

    def describe(view: type[V]) -> type[V]:
        there = {name: said for name, said in operations.items() if hasattr(view, name)}
        described_view: type[V] = extend_schema_view(**there)(view)
        return described_view

    return describe


def _writing(one_record: str, single: str, shapes: Shapes) -> dict[str, Any]:
    return {
        "create": extend_schema(
            operation_id=f"create_{one_record}",
            description=f"Create {single}.",
            request=shapes.creation,
            responses={201: shapes.record},
        ),
        "partial_update": extend_schema(
            operation_id=f"change_{one_record}",
            description=f"Change some facts of {single}, as last read (If-Match).",
            parameters=[IF_MATCH],
            request=shapes.change,
            responses=shapes.record,
        ),
    }


def _upserting(one_record: str, shapes: Shapes) -> Any:
    return extend_schema(
        methods=["PUT"],
        operation_id=f"upsert_{one_record}",
        description=(
            f"Create or change the {one_record.replace('_', ' ')} with an id of the"
            " other system's.\n\nWritten again, the same body changes nothing. A field"
            " left out stays as it is."
        ),
        parameters=[EXTERNAL_ID],
        request=shapes.upsert,
        responses={200: shapes.record, 201: shapes.record},
    )
