from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Standing, Tier
from engagements.models import User, Vendor
from engagements.services.vendors import change_vendor, register_vendor
from tracker.api import fields
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
from tracker.api.shapes import Stamped
from tracker.api.visibility import vendors

COLUMNS = (
    "updated_at",
    "id",
    "public_id",
    "external_id",
    "legal_name",
    "standing",
    "tier",
    "allows_managed",
    "allows_augmented",
    "currency",
    "payment_terms_days",
    "tax_id",
    "country",
    "created_at",
)


class VendorFacts(fields.StrictShape):
    """What can be told of a vendor; what is left out stays as it is."""

    legal_name = fields.Line(max_length=200, required=False)
    standing = fields.Word(Standing.values, required=False)
    tier = fields.Word(Tier.values, required=False)
    allows_managed = fields.Truth(required=False)
    allows_augmented = fields.Truth(required=False)
    currency = fields.Patterned(
        pattern=fields.CURRENCY,
        wanted="an ISO 4217 code such as GBP",
        required=False,
        help_text="What the vendor bills in, as ISO 4217 code.",
    )
    payment_terms_days = fields.Whole(smallest=0, largest=730, required=False)
    tax_id = fields.Line(max_length=40, required=False, allow_null=True)
    country = fields.Patterned(
        pattern=fields.COUNTRY,
        wanted="an ISO 3166 code such as GB",
        required=False,
        help_text="ISO 3166 code.",
    )


class VendorUpsert(VendorFacts):
    legal_name = fields.Line(max_length=200)


class VendorChange(VendorFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class VendorRecord(Stamped):
    """A company that supplies outside work."""

    legal_name = serializers.CharField()
    standing = fields.Word(Standing.values)
    tier = fields.Word(Tier.values)
    allows_managed = fields.Truth(help_text="Whether it may run managed services.")
    allows_augmented = fields.Truth(help_text="Whether it may supply contractors.")
    currency = fields.Patterned(pattern=fields.CURRENCY)
    payment_terms_days = serializers.IntegerField()
    tax_id = serializers.CharField(allow_null=True)
    country = fields.Patterned(pattern=fields.COUNTRY)


class VendorPage(serializers.Serializer[Any]):
    results = VendorRecord(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class VendorQuery(PageQuery):
    standing = fields.Word(Standing.values, required=False)
    tier = fields.Word(Tier.values, required=False)


def vendor_rows(rows: QuerySet[Vendor, Any]) -> list[tuple[Position, Row]]:
    return [
        (Position(updated_at, pk), _row(updated_at, *rest))
        for updated_at, pk, *rest in rows.values_list(*COLUMNS)
    ]


def _row(updated_at: Any, *values: Any) -> Row:
    row = dict(zip(COLUMNS[2:], values, strict=True))
    return {
        "id": row.pop("public_id"),
        **row,
        "tax_id": row["tax_id"] or None,
        "updated_at": updated_at,
    }


class VendorViewSet(Resource):
    noun = "vendors"
    read_permissions = ("engagements.view_vendor",)
    write_permissions = ("engagements.add_vendor", "engagements.change_vendor")
    names: ClassVar[dict[str, str]] = {"normalised_name": "legal_name"}

    @extend_schema(
        operation_id="list_vendors",
        parameters=[VendorQuery, IF_NONE_MATCH],
        responses=one(VendorPage),
    )
    def list(self, request: Request) -> Response:
        """List vendors in the order of their last change."""
        query = read_query(request, VendorQuery)
        wanted = {name: query[name] for name in ("standing", "tier") if name in query}
        return self.page(
            request,
            query=query,
            rows=vendors(caller(request)).filter(**wanted),
            represent=vendor_rows,
        )

    @extend_schema(
        operation_id="read_vendor", parameters=[IF_NONE_MATCH], responses=VendorRecord
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read a vendor."""
        return respond(request, _read(caller(request), public_id=id))

    @extend_schema(
        operation_id="change_vendor",
        parameters=[IF_MATCH],
        request=VendorChange,
        responses=VendorRecord,
    )
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change some facts of a vendor, as last read (If-Match)."""
        facts = read_body(request, VendorChange)
        with transaction.atomic():
            _change(request, facts, is_required=True, public_id=id)
            return respond(request, _read(caller(request), public_id=id))

    @extend_schema(
        methods=["GET"],
        operation_id="read_vendor_by_external_id",
        parameters=[EXTERNAL_ID, IF_NONE_MATCH],
        responses=VendorRecord,
    )
    @extend_schema(
        methods=["PUT"],
        operation_id="upsert_vendor",
        parameters=[EXTERNAL_ID],
        request=VendorUpsert,
        responses={200: VendorRecord, 201: VendorRecord},
    )
    @action(detail=False, methods=["get", "put"], url_path=EXTERNAL_ID_PATH)
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Read, or create or change, the vendor with an id of the other system's.

        Written again, the same body changes nothing. A field left out stays as it is.
        """
        known_as = read_external_id(external_id)
        if request.method != "PUT":
            return respond(request, _read(caller(request), external_id=known_as))
        facts = read_body(request, VendorUpsert)
        return once_more(lambda: _upsert(request, known_as, facts))


def _read(user: User, **key: Any) -> Row:
    for _position, row in vendor_rows(vendors(user).filter(**key)):
        return row
    raise Http404


@transaction.atomic
def _upsert(request: Request, external_id: str, facts: dict[str, Any]) -> Response:
    is_new = not vendors(caller(request)).filter(external_id=external_id).exists()
    if is_new:
        check_unchanged(request, None, is_required=False)
        vendor = _apply(Vendor(external_id=external_id), facts)
        register_vendor(vendor=vendor, actor=caller(request))
    else:
        _change(request, facts, is_required=False, external_id=external_id)
    row = _read(caller(request), external_id=external_id)
    location = reverse("api:vendor-detail", args=[row["id"]])
    return respond(request, row, is_new=is_new, location=location if is_new else "")


def _change(
    request: Request, facts: dict[str, Any], *, is_required: bool, **key: Any
) -> None:
    vendor = vendors(caller(request)).select_for_update().filter(**key).first()
    if vendor is None:
        raise Http404
    current = encode(_read(caller(request), pk=vendor.pk))
    check_unchanged(request, current, is_required=is_required)
    change_vendor(vendor=_apply(vendor, facts), actor=caller(request))


def _apply(vendor: Vendor, facts: dict[str, Any]) -> Vendor:
    for name, value in facts.items():
        setattr(vendor, name, "" if name == "tax_id" and value is None else value)
    return vendor
