"""Our own people, to read: the identity provider tells us of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from engagements.models import User
from tracker.api import fields, naming, visibility
from tracker.api.pagination import Position
from tracker.api.permissions import caller
from tracker.api.records import MirrorResource, Rows, Shapes, described
from tracker.api.resource import PageQuery, Row
from tracker.api.shapes import CodedRecord, NamedRecord, PageWithDeleted, Stamped


class PersonRecord(Stamped):
    """One of our own people, such as a manager or a department's head."""

    name = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)
    last_name = serializers.CharField(allow_null=True)
    work_email = serializers.CharField(allow_null=True)
    employee_number = serializers.CharField(allow_null=True)
    department = CodedRecord(allow_null=True)
    manager = NamedRecord(allow_null=True)
    is_active = fields.Truth(help_text="False for those who left.")


class PersonPage(PageWithDeleted):
    results = PersonRecord(many=True)


class PersonQuery(PageQuery):
    is_active = fields.TruthInQuery(required=False)
    department = fields.Identifier(required=False, help_text="The department's id.")
    work_email = fields.Line(max_length=254, required=False)


FACTS = (
    *("public_id", "external_id", "first_name", "last_name", "username", "email"),
    *("employee_number", "is_active", "date_joined"),
)
COLUMNS = (
    *("updated_at", "id", *FACTS),
    *("department__public_id", "department__external_id"),
    *("department__name", "department__code"),
    *("manager__public_id", "manager__external_id"),
    *("manager__first_name", "manager__last_name", "manager__username"),
)
SHAPES = Shapes(PersonRecord, PersonPage, PersonQuery)


def person_rows(rows: Rows) -> list[tuple[Position, Row]]:
    return [
        (Position(updated_at, pk), _row(updated_at, rest))
        for updated_at, pk, *rest in rows.values_list(*COLUMNS)
    ]


def _row(updated_at: Any, values: list[Any]) -> Row:
    row = dict(zip(FACTS, values, strict=False))
    related = values[len(FACTS) :]
    first_name, last_name = row["first_name"], row["last_name"]
    return {
        "id": row["public_id"],
        "external_id": row["external_id"],
        "name": f"{first_name} {last_name}".strip() or row["username"],
        "first_name": first_name or None,
        "last_name": last_name or None,
        "work_email": row["email"] or None,
        "employee_number": row["employee_number"] or None,
        "department": naming.record(related[:4]),
        "manager": naming.person(related[4:]),
        "is_active": row["is_active"],
        "created_at": row["date_joined"],
        "updated_at": updated_at,
    }


@described("person", "people", SHAPES)
class PersonViewSet(MirrorResource):
    noun = "people"
    read_permissions = ("engagements.view_user",)
    write_permissions = ()
    names: ClassVar[dict[str, str]] = {}
    is_buried_as = "user"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "is_active": "is_active",
        "department": "department__public_id",
        "work_email": "email__iexact",
    }

    def rows(self, request: Request) -> QuerySet[User]:
        return visibility.people_told(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return person_rows(rows)
