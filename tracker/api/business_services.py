"""The noun `services`; the module that makes keys has the name already."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from engagements.choices import Estate, Maturity
from engagements.models import Service, User
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
from tracker.api.shapes import CodedRecord, NamedRecord, PageWithDeleted, Stamped


class ServiceFacts(fields.StrictShape):
    """What can be told of a service; what is left out stays as it is."""

    name = fields.Line(max_length=160, required=False)
    description = fields.Line(max_length=1000, required=False, allow_null=True)
    owner = fields.Reference(required=False, allow_null=True)
    department = fields.CodedReference(required=False, allow_null=True)
    estate = fields.Word(
        Estate.values,
        required=False,
        help_text="Core: what the organisation lives by; satellite: around it.",
    )
    in_house_maturity = fields.Whole(
        smallest=min(Maturity.values),
        largest=max(Maturity.values),
        required=False,
        allow_null=True,
        help_text="How much of a team of our own stands behind it, 1 to 5.",
    )
    maturity_declared_on = fields.Day(
        required=False, allow_null=True, help_text="Needed with in_house_maturity."
    )


class ServiceUpsert(ServiceFacts):
    name = fields.Line(max_length=160)


class ServiceCreation(ServiceUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class ServiceChange(ServiceFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class ServiceRecord(Stamped):
    """What outside work keeps running or builds."""

    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    owner = NamedRecord(allow_null=True)
    department = CodedRecord(allow_null=True)
    estate = fields.Word(Estate.values)
    in_house_maturity = serializers.IntegerField(allow_null=True)
    maturity_declared_on = serializers.DateField(allow_null=True)


class ServicePage(PageWithDeleted):
    results = ServiceRecord(many=True)


class ServiceQuery(PageQuery):
    department = fields.Identifier(required=False, help_text="The department's id.")
    estate = fields.Word(Estate.values, required=False)


FACTS = (
    *("public_id", "external_id", "name", "description", "estate"),
    *("in_house_maturity", "maturity_declared_on", "created_at"),
)
COLUMNS = (
    *("updated_at", "id", *FACTS),
    *("owner__public_id", "owner__external_id"),
    *("owner__first_name", "owner__last_name", "owner__username"),
    *("department__public_id", "department__external_id"),
    *("department__name", "department__code"),
)
SHAPES = Shapes(
    ServiceRecord,
    ServicePage,
    ServiceQuery,
    ServiceCreation,
    ServiceUpsert,
    ServiceChange,
)
RELATED = {"owner": visibility.people, "department": visibility.departments}


def service_rows(rows: Rows) -> list[tuple[Position, Row]]:
    return [
        (Position(updated_at, pk), _row(updated_at, rest))
        for updated_at, pk, *rest in rows.values_list(*COLUMNS)
    ]


def _row(updated_at: Any, values: list[Any]) -> Row:
    row = dict(zip(FACTS, values, strict=False))
    related = values[len(FACTS) :]
    return {
        "id": row.pop("public_id"),
        **row,
        "description": row["description"] or None,
        "owner": naming.person(related[:5]),
        "department": naming.record(related[5:]),
        "updated_at": updated_at,
    }


@described("service", "services", SHAPES)
class ServiceViewSet(RecordResource):
    noun = "services"
    read_permissions = ("engagements.view_service",)
    write_permissions = ("engagements.add_service", "engagements.change_service")
    names: ClassVar[dict[str, str]] = {}
    is_buried_as = "service"
    address = "api:service-detail"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "department": "department__public_id",
        "estate": "estate",
    }

    def rows(self, request: Request) -> QuerySet[Service]:
        return visibility.services_told(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return service_rows(rows)

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Service:
        service = Service(external_id=external_id)
        apply_facts(service, facts, RELATED, actor)
        return create_record(record=service, actor=actor)

    def change(self, record: Service, facts: Facts, actor: User) -> None:
        apply_facts(record, facts, RELATED, actor)
        change_record(record=record, actor=actor)
