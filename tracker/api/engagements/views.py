from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from rest_framework.request import Request

from engagements.models import Engagement, User
from engagements.models.engagement import EngagementQuerySet
from tracker.api.engagements.rows import engagement_rows
from tracker.api.engagements.shapes import (
    EngagementChange,
    EngagementCreation,
    EngagementPage,
    EngagementQuery,
    EngagementRecord,
    EngagementUpsert,
)
from tracker.api.engagements.writing import (
    change_logged_engagement,
    log_engagement,
)
from tracker.api.pagination import Position
from tracker.api.permissions import caller, has_scope
from tracker.api.records import Facts, RecordResource, Shapes, described
from tracker.api.resource import Row
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


SHAPES = Shapes(
    EngagementRecord,
    EngagementPage,
    EngagementQuery,
    EngagementCreation,
    EngagementUpsert,
    EngagementChange,
)


@described("engagement", "engagements", SHAPES)
class EngagementViewSet(RecordResource):
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
    is_buried_as = "engagement"
    address = "api:engagement-detail"
    shapes = SHAPES
    filters = FILTERS
    scope_field = "owner"

    def rows(self, request: Request) -> EngagementQuerySet:
        return engagements(caller(request)).with_phase(timezone.localdate())

    def represent(self, request: Request, rows: Any) -> list[tuple[Position, Row]]:
        with_money = has_scope(request, "rates:read")
        found = engagement_rows(rows, today=timezone.localdate(), with_money=with_money)
        if with_money:
            reader = request.auth or f"user {caller(request).pk}"
            log.info("%s read amounts of %d engagements", reader, len(found))
        return found

    def check(self, request: Request, facts: Facts) -> None:
        has_money = any(name in facts for name in MONEY)
        if has_money and not has_scope(request, "rates:write"):
            raise PermissionDenied("This key lacks the scope rates:write.")

    def add(self, facts: Facts, external_id: str | None, actor: User) -> Engagement:
        return log_engagement(facts=facts, external_id=external_id, actor=actor)

    def change(self, record: Engagement, facts: Facts, actor: User) -> None:
        change_logged_engagement(stored=record, facts=facts, actor=actor)
