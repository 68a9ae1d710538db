"""Files of records, read by a worker: 202 first, then a problem for each line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.http import Http404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import (
    APIException,
    ParseError,
    UnsupportedMediaType,
)
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api import fields
from tracker.api.errors import Unprocessable
from tracker.api.formats import encode
from tracker.api.idempotency import refuse_reused_key
from tracker.api.pagination import Position
from tracker.api.permissions import caller
from tracker.api.preconditions import etag_of
from tracker.api.records import ReadResource, Rows, Shapes, described
from tracker.api.resource import PageQuery, Row, read_query
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.api.shapes import Page
from tracker.imports.kinds import kind_named, kind_names, may_import
from tracker.imports.models import ImportProblem, ImportRun, RunState
from tracker.imports.problems import ImportRefusedError
from tracker.imports.services import accept_upload, request_check, request_import
from tracker.imports.tables import LARGEST_FILE_BYTES

OCTETS = "application/octet-stream"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 64 * 1024
OPTIONS = ("date_format", "decimal_comma", "engagement")


class FileParser(BaseParser):
    """Hands on the body as an uploaded file; what it is shows when it is opened."""

    media_type = OCTETS

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        kept = TemporaryUploadedFile("upload", OCTETS, 0, None)
        while chunk := stream.read(_CHUNK):
            kept.write(chunk)
        kept.size = kept.tell()
        kept.seek(0)
        return kept


class CsvParser(FileParser):
    media_type = CSV


class XlsxParser(FileParser):
    media_type = XLSX


class ImportOrder(fields.StrictShape):
    """How a file is to be read."""

    kind = fields.Word(kind_names(), help_text="What the file's lines are.")
    file_name = fields.Line(max_length=200, required=False)
    dry_run = fields.TruthInQuery(
        required=False, help_text="Only check it; nothing is stored."
    )
    accepted_lines_only = fields.TruthInQuery(
        required=False,
        help_text="Store the lines that can be; else one refused line stops all.",
    )
    date_format = fields.Line(
        max_length=40,
        required=False,
        help_text="Such as %d/%m/%Y, where it isn't told.",
    )
    decimal_comma = fields.TruthInQuery(required=False)
    engagement = fields.Line(
        max_length=40,
        required=False,
        help_text="The reference of the engagement that a file of time is of.",
    )


class ImportRecord(serializers.Serializer[Any]):
    """One file brought in, and what came of it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    file_name = serializers.CharField()
    sha256 = serializers.CharField()
    state = fields.Word(
        RunState.values,
        help_text=(
            "checking and applying while a worker has it; checked after a dry run;"
            " applied; refused where a line was, failed where the file was."
        ),
    )
    accepted_lines_only = fields.Truth()
    lines_done = serializers.IntegerField(help_text="How far the worker has come.")
    read = serializers.IntegerField(help_text="Lines; accepted and refused together.")
    accepted = serializers.IntegerField()
    added = serializers.IntegerField()
    refused = serializers.IntegerField()
    error = serializers.CharField(
        allow_null=True, help_text="Why the file could not be read at all."
    )
    finished_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ImportPage(Page):
    results = ImportRecord(many=True)


class ProblemRecord(serializers.Serializer[Any]):
    """One reason for which a line was refused."""

    line = serializers.IntegerField(help_text="Of the file, its headings being line 1.")
    field = serializers.CharField()
    reason = serializers.CharField()
    advice = serializers.CharField()
    found = serializers.CharField(allow_null=True)


class ProblemPage(Page):
    results = ProblemRecord(many=True)


class ImportQuery(PageQuery):
    kind = fields.Word(kind_names(), required=False)
    state = fields.Word(RunState.values, required=False)


class ProblemQuery(fields.StrictShape):
    cursor = PageQuery().fields["cursor"]
    page_size = PageQuery().fields["page_size"]


COLUMNS = (
    *("updated_at", "pk", "public_id", "kind", "file_name", "sha256", "state"),
    *("is_per_line", "lines_done", "read", "accepted", "added", "refused"),
    *("error", "finished_at", "created_at"),
)
SHAPES = Shapes(ImportRecord, ImportPage, ImportQuery)


@described("import", "imports", SHAPES)
class ImportViewSet(ReadResource):
    noun = "imports"
    read_permissions = ("tracker.view_importrun",)
    write_permissions = ("tracker.add_importrun",)
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head", "post")
    parser_classes = (FileParser, CsvParser, XlsxParser)
    largest_body = LARGEST_FILE_BYTES
    reads_query = ("list", "create", "problems")
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {"kind": "kind", "state": "state"}

    def rows(self, request: Request) -> Rows:
        return ImportRun.objects.all()

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return [
            (Position(values[0], values[1]), _row(values))
            for values in rows.values_list(*COLUMNS)
        ]

    @extend_schema(
        operation_id="create_import",
        parameters=[ImportOrder],
        request={
            OCTETS: OpenApiTypes.BINARY,
            CSV: OpenApiTypes.BINARY,
            XLSX: OpenApiTypes.BINARY,
        },
        responses={202: ImportRecord},
    )
    def create(self, request: Request) -> Response:
        """Import a file: CSV, XLSX or JSON, told apart by what it holds.

        The answer comes at once, with the address to ask how far it is. All lines are
        stored or none, unless `accepted_lines_only`. The same file again adds nothing.
        """
        order = read_query(request, ImportOrder)
        user = caller(request)
        if not may_import(user, kind_named(order["kind"])):
            raise PermissionDenied("The key's owner may not import this kind of file.")
        if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            raise _no_file(request)
        # What FileParser hands on.
        upload = cast("TemporaryUploadedFile", request.data)
        upload.name = order.get("file_name", "upload")
        try:
            with upload, transaction.atomic():
                refuse_reused_key(request)
                run = _accepted(upload, order, user)
        except ImportRefusedError as refusal:
            raise Unprocessable([str(refusal)], "unreadable") from refusal
        location = reverse("api:import-detail", args=[run.public_id])
        body = encode(self.read(request, pk=run.pk))
        headers = {"Location": location, "ETag": etag_of(body)}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(
        operation_id="list_import_problems",
        parameters=[ProblemQuery, IF_NONE_MATCH],
        responses=one(ProblemPage),
    )
    @action(detail=True, methods=["get"])
    def problems(self, request: Request, id: UUID) -> Response:
        """List the reasons for which lines were refused, by line."""
        query = read_query(request, ProblemQuery)
        run = self.rows(request).filter(public_id=id).first()
        if run is None:
            raise Http404
        return self.page(
            request,
            query=query | {"import": str(id)},
            rows=ImportProblem.objects.filter(run=run),
            represent=lambda rows: _problems(run, rows),
        )


def _no_file(request: Request) -> APIException:
    """Return the refusal of a request without content: is it a file at all?

    No parser is asked then, so what it would say of the type is said here.
    """
    if not request.content_type:
        return ParseError("Send the file as the body.")
    if request.content_type not in (OCTETS, CSV, XLSX):
        return UnsupportedMediaType(request.content_type)
    return Unprocessable(["The file is empty."], "unreadable")


def _accepted(upload: Any, order: Mapping[str, Any], user: Any) -> ImportRun:
    options = {name: order[name] for name in OPTIONS if name in order}
    run = accept_upload(upload=upload, kind_name=order["kind"], actor=user)
    try:
        if order.get("dry_run"):
            return request_check(run=run, corrections={}, options=options, actor=user)
        return request_import(
            run=run,
            corrections={},
            options=options,
            is_per_line=order.get("accepted_lines_only", False),
            actor=user,
        )
    except ImportRefusedError:
        # The row goes with the transaction; nothing else would take the file away.
        run.file.delete(save=False)
        raise


def _row(values: Any) -> Row:
    row = dict(zip(COLUMNS[2:], values[2:], strict=True))
    return {
        "id": row.pop("public_id"),
        **row,
        "accepted_lines_only": row.pop("is_per_line"),
        "error": row["error"] or None,
        "updated_at": values[0],
    }


def _problems(run: ImportRun, rows: Rows) -> list[tuple[Position, Row]]:
    return [
        (
            Position(run.created_at, problem.pk),
            {
                "line": problem.line,
                "field": problem.field,
                "reason": problem.reason,
                "advice": problem.advice,
                "found": problem.raw or None,
            },
        )
        for problem in rows
    ]
