from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.models import Contractor, User
from engagements.services.contractors import (
    add_contractor,
    change_contractor,
    upsert_contractors,
)
from tracker.api import visibility
from tracker.api.contractors.batches import checked_lines
from tracker.api.contractors.rows import contractor_rows, with_standing
from tracker.api.contractors.shapes import (
    ContractorBatch,
    ContractorChange,
    ContractorCreation,
    ContractorPage,
    ContractorQuery,
    ContractorRecord,
    ContractorsStored,
    ContractorUpsert,
)
from tracker.api.contractors.skills import skills_named
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
from tracker.api.resource import Row, once_more, read_body, respond

SHAPES = Shapes(
    ContractorRecord,
    ContractorPage,
    ContractorQuery,
    ContractorCreation,
    ContractorUpsert,
    ContractorChange,
)
RELATED = {"vendor": visibility.vendors}


@described("contractor", "contractors", SHAPES)
class ContractorViewSet(RecordResource):
    noun = "contractors"
    read_permissions = ("engagements.view_contractor",)
    write_permissions = (
        "engagements.add_contractor",
        "engagements.change_contractor",
    )
    names: ClassVar[dict[str, str]] = {}
    is_buried_as = "contractor"
    address = "api:contractor-detail"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "vendor": "vendor__public_id",
        "worker_number": "worker_number",
        "work_email": "work_email__iexact",
    }

    def rows(self, request: Request) -> QuerySet[Contractor]:
        return visibility.contractors(caller(request))

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return contractor_rows(rows, user=caller(request), today=timezone.localdate())

    def narrow(self, rows: Rows, query: Mapping[str, Any], user: User) -> Rows:
        rows = super().narrow(rows, query, user)
        if "employment_type" in query:
            rows = rows.filter(employment_type=query["employment_type"].lower())
        if standing := query.get("employment_status"):
            today = timezone.localdate()
            rows = with_standing(rows, standing, user=user, today=today)
        return rows

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Contractor:
        contractor = Contractor(external_id=external_id)
        skills = _apply(contractor, facts, actor)
        return add_contractor(contractor=contractor, skills=skills or (), actor=actor)

    def change(self, record: Contractor, facts: Facts, actor: User) -> None:
        skills = _apply(record, facts, actor)
        change_contractor(contractor=record, skills=skills, actor=actor)

    @extend_schema(
        operation_id="upsert_contractors",
        request=ContractorBatch,
        responses={200: ContractorsStored},
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Create and change up to 1,000 contractors by their external ids.

        All lines or none; status 422 names every line that can't be. Sent again, the
        same batch writes nothing. A field left out stays as it is.
        """
        lines = read_body(request, ContractorBatch)["contractors"]

        def write() -> Response:
            told = checked_lines(lines, caller(request))
            done = upsert_contractors(told=told, actor=caller(request))
            return respond(request, vars(done))

        return once_more(write)


def _apply(contractor: Contractor, facts: Facts, actor: User) -> Any:
    """Set the facts; return the skills, or None where they aren't told."""
    plain = {name: value for name, value in facts.items() if name != "skills"}
    if "employment_type" in plain:
        plain["employment_type"] = plain["employment_type"].lower()
    apply_facts(contractor, plain, RELATED, actor)
    return skills_named(facts["skills"]) if "skills" in facts else None
