from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from engagements.models import Department, User
from engagements.services.organisation import add_department, change_department
from tracker.api import fields, visibility
from tracker.api.naming import person, record
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


class DepartmentFacts(fields.StrictShape):
    """What can be told of a department; what is left out stays as it is."""

    code = fields.Line(max_length=40, required=False)
    name = fields.Line(max_length=160, required=False)
    parent = fields.CodedReference(
        required=False, allow_null=True, help_text="The department it is part of."
    )
    head = fields.Reference(
        required=False, allow_null=True, help_text="Who sees all that lies below it."
    )


class DepartmentUpsert(DepartmentFacts):
    code = fields.Line(max_length=40)
    name = fields.Line(max_length=160)


class DepartmentCreation(DepartmentUpsert):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class DepartmentChange(DepartmentFacts):
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class DepartmentRecord(Stamped):
    """A part of the organisation; departments form a tree."""

    code = serializers.CharField()
    name = serializers.CharField()
    parent = CodedRecord(allow_null=True)
    head = NamedRecord(allow_null=True)


class DepartmentPage(PageWithDeleted):
    results = DepartmentRecord(many=True)


class DepartmentQuery(PageQuery):
    code = fields.Line(max_length=40, required=False)
    part_of = fields.Identifier(
        required=False, help_text="The id of the department that they are part of."
    )


COLUMNS = (
    *("updated_at", "id", "public_id", "external_id", "code", "name", "created_at"),
    *("parent__public_id", "parent__external_id", "parent__name", "parent__code"),
    *("head__public_id", "head__external_id"),
    *("head__first_name", "head__last_name", "head__username"),
)
SHAPES = Shapes(
    DepartmentRecord,
    DepartmentPage,
    DepartmentQuery,
    DepartmentCreation,
    DepartmentUpsert,
    DepartmentChange,
)
RELATED = {"parent": visibility.departments, "head": visibility.people}


def department_rows(rows: Rows) -> list[tuple[Position, Row]]:
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
    created_at: Any,
    *related: Any,
) -> Row:
    return {
        "id": public_id,
        "external_id": external_id,
        "code": code,
        "name": name,
        "parent": record(related[:4]),
        "head": person(related[4:]),
        "created_at": created_at,
        "updated_at": updated_at,
    }


@described("department", "departments", SHAPES)
class DepartmentViewSet(RecordResource):
    noun = "departments"
    read_permissions = ("engagements.view_department",)
    write_permissions = (
        "engagements.add_department",
        "engagements.change_department",
    )
    names: ClassVar[dict[str, str]] = {}
    is_buried_as = "department"
    address = "api:department-detail"
    scope_field = "parent"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "code": "code",
        "part_of": "parent__public_id",
    }

    def rows(self, request: Request) -> QuerySet[Department]:
        return visibility.departments(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return department_rows(rows)

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Department:
        department = Department(external_id=external_id)
        apply_facts(department, facts, RELATED, actor)
        return add_department(department=department, actor=actor)

    def change(self, record: Department, facts: Facts, actor: User) -> None:
        apply_facts(record, facts, RELATED, actor)
        change_department(department=record, actor=actor)
