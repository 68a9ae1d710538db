from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from engagements.choices import Standing, Tier
from engagements.models import User, Vendor
from engagements.services.vendors import change_vendor, register_vendor
from tracker.api import fields
from tracker.api.pagination import Position
from tracker.api.permissions import caller
from tracker.api.records import (
    Facts,
    RecordResource,
    Rows,
    Shapes,
    apply_facts,
    described,
)
from tracker.api.resource import PageQuery, Row
from tracker.api.shapes import PageWithDeleted, Stamped
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


class VendorCreation(VendorUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


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


class VendorPage(PageWithDeleted):
    results = VendorRecord(many=True)


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


SHAPES = Shapes(
    VendorRecord, VendorPage, VendorQuery, VendorCreation, VendorUpsert, VendorChange
)


@described("vendor", "vendors", SHAPES)
class VendorViewSet(RecordResource):
    noun = "vendors"
    read_permissions = ("engagements.view_vendor",)
    write_permissions = ("engagements.add_vendor", "engagements.change_vendor")
    names: ClassVar[dict[str, str]] = {"normalised_name": "legal_name"}
    is_buried_as = "vendor"
    address = "api:vendor-detail"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {"standing": "standing", "tier": "tier"}

    def rows(self, request: Request) -> QuerySet[Vendor]:
        return vendors(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return vendor_rows(rows)

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Vendor:
        vendor = Vendor(external_id=external_id)
        apply_facts(vendor, facts, {}, actor)
        return register_vendor(vendor=vendor, actor=actor)

    def change(self, record: Vendor, facts: Facts, actor: User) -> None:
        apply_facts(record, facts, {}, actor)
        change_vendor(vendor=record, actor=actor)
