from __future__ import annotations

import logging
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.models.engagement import EngagementQuerySet
from tracker.api.engagements.rows import engagement_rows
from tracker.api.engagements.shapes import (
    EngagementChange,
    EngagementPage,
    EngagementQuery,
    EngagementRecord,
    EngagementUpsert,
)
from tracker.api.engagements.writing import (
    Facts,
    change_logged_engagement,
    log_engagement,
)
from tracker.api.errors import Unprocessable
from tracker.api.formats import encode
from tracker.api.pagination import Position
from tracker.api.permissions import caller, has_scope
from tracker.api.preconditions import check_unchanged
from tracker.api.resource import (
    EXTERNAL_ID_PATH,
    Resource,
    Row,
    once_more,
    read_body,
    read_external_id,
    read_query,
    respond,
)
from tracker.api.schema import EXTERNAL_ID, IF_MATCH, IF_NONE_MATCH, one
from tracker.api.visibility import engagements

MONEY = ("monthly_fee", "rate")
FILTERS = {
    "kind": "kind",
    "status": "status",
    "phase": "phase",
    "vendor": "vendor__public_id",
    "owner": "manager__public_id",
    "department": "department__public_id",
}

log = logging.getLogger(__name__)


class EngagementViewSet(Resource):
    noun = "engagements"
    read_permissions = ("engagements.view_engagement",)
    write_permissions = (
        "engagements.add_engagement",
        "engagements.change_engagement",
    )
    names: ClassVar[dict[str, str]] = {
        "manager": "owner",
        "starts_on": "start_date",
        "ends_on": "end_date",
        "purchase_order_number": "po_number",
        "percent": "cost_split",
    }

    @extend_schema(
        operation_id="list_engagements",
        parameters=[EngagementQuery, IF_NONE_MATCH],
        responses=one(EngagementPage),
    )
    def list(self, request: Request) -> Response:
        """List engagements of both models in the order of their last change."""
        query = read_query(request, EngagementQuery)
        wanted = {path: query[name] for name, path in FILTERS.items() if name in query}
        return self.page(
            request,
            query=query,
            rows=_visible(request).filter(**wanted),
            represent=partial(_represent, request),
        )

    @extend_schema(
        operation_id="read_engagement",
        parameters=[IF_NONE_MATCH],
        responses=EngagementRecord,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an engagement."""
        return respond(request, _read(request, public_id=id))

    @extend_schema(
        operation_id="change_engagement",
        parameters=[IF_MATCH],
        request=EngagementChange,
        responses=EngagementRecord,
    )
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change some facts of an engagement, as last read (If-Match)."""
        facts = read_body(request, EngagementChange)
        _check_money(request, facts)
        with transaction.atomic():
            _change(request, facts, is_required=True, public_id=id)
            return respond(request, _read_written(request, public_id=id))

    @extend_schema(
        methods=["GET"],
        operation_id="read_engagement_by_external_id",
        parameters=[EXTERNAL_ID, IF_NONE_MATCH],
        responses=EngagementRecord,
    )
    @extend_schema(
        methods=["PUT"],
        operation_id="upsert_engagement",
        parameters=[EXTERNAL_ID],
        request=EngagementUpsert,
        responses={200: EngagementRecord, 201: EngagementRecord},
    )
    @action(detail=False, methods=["get", "put"], url_path=EXTERNAL_ID_PATH)
    def by_external_id(self, request: Request, external_id: str) -> Response:
        """Read, or create or change, the engagement with an id of the other system's.

        Written again, the same body changes nothing. A field left out stays as it is.
        """
        known_as = read_external_id(external_id)
        if request.method != "PUT":
            return respond(request, _read(request, external_id=known_as))
        facts = read_body(request, EngagementUpsert)
        _check_money(request, facts)
        return once_more(lambda: _upsert(request, known_as, facts))


def _visible(request: Request) -> EngagementQuerySet:
    return engagements(caller(request)).with_phase(timezone.localdate())


def _represent(
    request: Request, rows: EngagementQuerySet
) -> list[tuple[Position, Row]]:
    with_money = has_scope(request, "rates:read")
    found = engagement_rows(rows, today=timezone.localdate(), with_money=with_money)
    if with_money:
        reader = request.auth or f"user {caller(request).pk}"
        log.info("%s read amounts of %d engagements", reader, len(found))
    return found


def _read(request: Request, **key: Any) -> Row:
    for _position, row in _represent(request, _visible(request).filter(**key)):
        return row
    raise Http404


def _read_written(request: Request, **key: Any) -> Row:
    """Read back; raises 422 where the write took it out of the writer's sight."""
    try:
        return _read(request, **key)
    except Http404:
        raise Unprocessable(
            {"owner": ["Give an owner or department within your own scope."]}, "scope"
        ) from None


def _check_money(request: Request, facts: Facts) -> None:
    if any(name in facts for name in MONEY) and not has_scope(request, "rates:write"):
        raise PermissionDenied("This key lacks the scope rates:write.")


@transaction.atomic
def _upsert(request: Request, external_id: str, facts: Facts) -> Response:
    rows = engagements(caller(request)).filter(external_id=external_id)
    is_new = not rows.exists()
    if is_new:
        check_unchanged(request, None, is_required=False)
        log_engagement(facts=facts, external_id=external_id, actor=caller(request))
    else:
        _change(request, facts, is_required=False, external_id=external_id)
    row = _read_written(request, external_id=external_id)
    location = reverse("api:engagement-detail", args=[row["id"]])
    return respond(request, row, is_new=is_new, location=location if is_new else "")


def _change(request: Request, facts: Facts, *, is_required: bool, **key: Any) -> None:
    stored = (
        engagements(caller(request))
        .select_for_update(of=("self",))
        .filter(**key)
        .first()
    )
    if stored is None:
        raise Http404
    current = encode(_read(request, pk=stored.pk))
    check_unchanged(request, current, is_required=is_required)
    change_logged_engagement(stored=stored, facts=facts, actor=caller(request))
