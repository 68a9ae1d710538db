"""What belongs to an engagement: service levels, measurements, credits, reviews."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.events import plain
from engagements.models import ServiceLevel
from engagements.permissions import SEES_REVIEWS, roles_of
from tracker.api.pagination import Position
from tracker.api.parts import READING, PartOfEngagement, bound_to, reader
from tracker.api.performance.batches import (
    store_downtime,
    store_measurements,
    store_pushed_tickets,
)
from tracker.api.performance.shapes import (
    BatchStored,
    CreditPage,
    DowntimeBatch,
    MeasurementBatch,
    MeasurementPage,
    PartQuery,
    ReviewPage,
    ServiceLevelPage,
    TicketBatch,
)
from tracker.api.permissions import caller, is_hr_key
from tracker.api.resource import Row, read_body, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.performance.models import Credit, LevelResult, Measurement, Review
from tracker.performance.review import CRITERIA
from tracker.performance.services import Measured

log = logging.getLogger(__name__)


class ServiceLevelViewSet(PartOfEngagement):
    noun = "measurements"
    read_permissions = ("engagements.view_servicelevel",)

    @extend_schema(
        operation_id="list_service_levels",
        parameters=[PartQuery, IF_NONE_MATCH],
        responses=one(ServiceLevelPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List an engagement's service levels with the outcome judged last."""
        query = read_query(request, PartQuery)
        engagement = self.engagement(request, engagement_id)
        last = LevelResult.objects.filter(service_level=OuterRef("pk")).order_by(
            "-window_from"
        )
        rows = ServiceLevel.objects.filter(contract=engagement.pk).annotate(
            last_window_from=Subquery(last.values("window_from")[:1]),
            last_outcome=Subquery(last.values("outcome")[:1]),
        )
        return self.page(
            request,
            query=bound_to(query, engagement),
            rows=rows,
            represent=_service_levels,
        )


def _service_levels(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (
            Position(row.updated_at, row.pk),
            {
                "id": row.public_id,
                "name": row.name,
                "metric": row.metric,
                "direction": row.direction,
                "target": plain(row.target),
                "minimum": plain(row.minimum),
                "unit": row.unit,
                "window": row.window,
                "measured_by": row.measured_by,
                "last_window_from": row.last_window_from,
                "last_outcome": row.last_outcome,
                "updated_at": row.updated_at,
            },
        )
        for row in rows
    ]


class MeasurementViewSet(PartOfEngagement):
    noun = "measurements"
    read_permissions = ("tracker.view_measurement",)
    write_permissions = ("tracker.add_measurement",)
    http_method_names = (*READING, "post")

    @extend_schema(
        operation_id="list_measurements",
        parameters=[PartQuery, IF_NONE_MATCH],
        responses=one(MeasurementPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List what was measured of an engagement, in the order of its last change."""
        query = read_query(request, PartQuery)
        engagement = self.engagement(request, engagement_id)
        return self.page(
            request,
            query=bound_to(query, engagement),
            rows=Measurement.objects.filter(engagement=engagement.pk).select_related(
                "service_level"
            ),
            represent=_measurements,
        )

    @extend_schema(
        operation_id="push_measurements",
        request=MeasurementBatch,
        responses={200: BatchStored},
    )
    def create(self, request: Request, engagement_id: UUID) -> Response:
        """Store measurements; sent again, by their source ids, they are the same.

        All lines or none. The windows they lie in are judged anew.
        """
        engagement = self.engagement(request, engagement_id)
        lines = read_body(request, MeasurementBatch)["measurements"]
        done = store_measurements(
            engagement=engagement, lines=lines, actor=caller(request)
        )
        return _stored(request, lines, done)


def _measurements(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (
            Position(row.updated_at, row.pk),
            {
                "id": row.public_id,
                "service_level": row.service_level.public_id,
                "period_from": row.period_from,
                "period_to": row.period_to,
                "value": plain(row.value),
                "good": row.good,
                "total": row.total,
                "downtime_minutes": plain(row.downtime_minutes),
                "incident": row.incident,
                "updated_at": row.updated_at,
            },
        )
        for row in rows
    ]


class DowntimeViewSet(PartOfEngagement):
    noun = "measurements"
    read_permissions = ("tracker.view_downtime",)
    write_permissions = ("tracker.add_downtime",)
    http_method_names = ("post",)

    @extend_schema(
        operation_id="push_downtime",
        request=DowntimeBatch,
        responses={200: BatchStored},
    )
    def create(self, request: Request, engagement_id: UUID) -> Response:
        """Store outages; sent again, by their source ids, they are the same.

        All lines or none. The windows they touch are judged anew.
        """
        engagement = self.engagement(request, engagement_id)
        lines = read_body(request, DowntimeBatch)["downtime"]
        done = store_downtime(engagement=engagement, lines=lines, actor=caller(request))
        return _stored(request, lines, done)


class TicketViewSet(PartOfEngagement):
    noun = "measurements"
    read_permissions = ("tracker.view_ticket",)
    # Whoever measures by hand pushes tickets: there is no other way to add one.
    write_permissions = ("tracker.add_measurement",)
    http_method_names = ("post",)

    @extend_schema(
        operation_id="push_tickets", request=TicketBatch, responses={200: BatchStored}
    )
    def create(self, request: Request, engagement_id: UUID) -> Response:
        """Store tickets; sent again, by their source ids, they are the same.

        All lines or none. The windows in which they were opened are judged anew.
        """
        engagement = self.engagement(request, engagement_id)
        lines = read_body(request, TicketBatch)["tickets"]
        done = store_pushed_tickets(
            engagement=engagement, lines=lines, actor=caller(request)
        )
        return _stored(request, lines, done)


class CreditViewSet(PartOfEngagement):
    noun = "credits"
    read_permissions = ("tracker.view_credit",)

    @extend_schema(
        operation_id="list_credits",
        parameters=[PartQuery, IF_NONE_MATCH],
        responses=one(CreditPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List an engagement's service credits, in the order of their last change."""
        query = read_query(request, PartQuery)
        engagement = self.engagement(request, engagement_id)
        rows = Credit.objects.visible_to(caller(request)).filter(
            engagement=engagement.pk
        )
        log.info("%s read credits of %s", reader(request), engagement.reference)
        return self.page(
            request,
            query=bound_to(query, engagement),
            rows=rows.select_related("service_level", "engagement"),
            represent=_credits,
        )


def _credits(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (
            Position(row.updated_at, row.pk),
            {
                "id": row.public_id,
                "service_level": row.service_level and row.service_level.public_id,
                "window_from": row.window_from,
                "window_to": row.window_to,
                "scheme": row.scheme,
                "amount": plain(row.amount),
                "agreed_amount": plain(row.agreed_amount),
                "currency": row.engagement.currency,
                "state": row.state,
                "claim_by": row.claim_by_on,
                "updated_at": row.updated_at,
            },
        )
        for row in rows
    ]


class ReviewViewSet(PartOfEngagement):
    noun = "reviews"
    # The permission to read reviews opens the admin's pages as well; the HR
    # integration has none of it, and reads by a key with the scope alone.
    read_permissions = ("engagements.view_engagement",)

    @extend_schema(
        operation_id="list_reviews",
        parameters=[PartQuery, IF_NONE_MATCH],
        responses=one(ReviewPage),
    )
    def list(self, request: Request, engagement_id: UUID) -> Response:
        """List the reviews of an engagement, in the order of their last change."""
        query = read_query(request, PartQuery)
        rows = _reviews(request)
        engagement = self.engagement(request, engagement_id)
        log.info("%s read reviews of %s", reader(request), engagement.reference)
        return self.page(
            request,
            query=bound_to(query, engagement),
            rows=rows.filter(engagement=engagement.pk).select_related("reviewer"),
            represent=_review_rows,
        )


def _reviews(request: Request) -> QuerySet[Review]:
    """Return the reviews that the caller may read; raises 403 where none ever are."""
    if is_hr_key(request):
        return Review.objects.all()
    if not roles_of(caller(request)) & SEES_REVIEWS:
        raise PermissionDenied("The key's owner may not read reviews.")
    rows: QuerySet[Review] = Review.objects.visible_to(caller(request))
    return rows


def _review_rows(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (
            Position(row.updated_at, row.pk),
            {
                "id": row.public_id,
                "reviewer": row.reviewer.public_id,
                "period_from": row.period_from,
                "period_to": row.period_to,
                **{name: getattr(row, name) for name in CRITERIA},
                "comment": row.comment,
                "is_corrected": row.is_corrected,
                "updated_at": row.updated_at,
            },
        )
        for row in rows
    ]


def _stored(request: Request, lines: list[Any], done: list[Measured]) -> Response:
    changed = sum(one_contract.changed for one_contract in done)
    return respond(request, {"stored": len(lines), "windows_changed": changed})
