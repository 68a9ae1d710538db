from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from engagements.models import CostCentre, User
from engagements.services.records import change_record, create_record
from tracker.api import fields, naming, visibility
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
from tracker.api.shapes import CodedRecord, PageWithDeleted, Stamped


class CostCenterFacts(fields.StrictShape):
    """What can be told of a cost center; what is left out stays as it is."""

    code = fields.Line(max_length=40, required=False)
    name = fields.Line(max_length=160, required=False)
    department = fields.CodedReference(required=False, allow_null=True)
    is_open = fields.Truth(
        required=False, help_text="Whether new cost splits may name it."
    )


class CostCenterUpsert(CostCenterFacts):
    code = fields.Line(max_length=40)
    name = fields.Line(max_length=160)


class CostCenterCreation(CostCenterUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class CostCenterChange(CostCenterFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class CostCenterRecord(Stamped):
    """Where spend is booked."""

    code = serializers.CharField()
    name = serializers.CharField()
    department = CodedRecord(allow_null=True)
    is_open = fields.Truth(help_text="Whether new cost splits may name it.")


class CostCenterPage(PageWithDeleted):
    results = CostCenterRecord(many=True)


class CostCenterQuery(PageQuery):
    code = fields.Line(max_length=40, required=False)
    department = fields.Identifier(required=False, help_text="The department's id.")


COLUMNS = (
    *("updated_at", "id", "public_id", "external_id", "code", "name"),
    *("is_open", "created_at", "department__public_id", "department__external_id"),
    *("department__name", "department__code"),
)
SHAPES = Shapes(
    CostCenterRecord,
    CostCenterPage,
    CostCenterQuery,
    CostCenterCreation,
    CostCenterUpsert,
    CostCenterChange,
)
RELATED = {"department": visibility.departments}


def cost_center_rows(rows: Rows) -> list[tuple[Position, Row]]:
    return [
        (Position(updated_at, pk), _row(updated_at, *rest))
        for updated_at, pk, *rest in rows.values_list(*COLUMNS)
    ]


def _row(
    updated_at: Any,
    public_id: Any,
    external_id: Any,
    code: str,
    name: str,
    is_open: bool,
    created_at: Any,
    *department: Any,
) -> Row:
    return {
        "id": public_id,
        "external_id": external_id,
        "code": code,
        "name": name,
        "department": naming.record(department),
        "is_open": is_open,
        "created_at": created_at,
        "updated_at": updated_at,
    }


@described("cost_center", "cost_centers", SHAPES)
class CostCenterViewSet(RecordResource):
    noun = "cost-centers"
    read_permissions = ("engagements.view_costcentre",)
    write_permissions = (
        "engagements.add_costcentre",
        "engagements.change_costcentre",
    )
    names: ClassVar[dict[str, str]] = {}
    is_buried_as = "costcentre"
    address = "api:cost-center-detail"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "code": "code",
        "department": "department__public_id",
    }

    def rows(self, request: Request) -> QuerySet[CostCentre]:
        return visibility.cost_centres_told(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return cost_center_rows(rows)

    def add(self, facts: Facts, external_id: str | None, actor: User) -> CostCentre:
        centre = CostCentre(external_id=external_id)
        apply_facts(centre, facts, RELATED, actor)
        return create_record(record=centre, actor=actor)

    def change(self, record: CostCentre, facts: Facts, actor: User) -> None:
        apply_facts(record, facts, RELATED, actor)
        change_record(record=record, actor=actor)
