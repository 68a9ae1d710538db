"""Webhook endpoints and the log of what was sent to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.formats import encode
from tracker.api.idempotency import keep_instead
from tracker.api.pagination import Position
from tracker.api.permissions import caller, has_scope
from tracker.api.preconditions import check_unchanged, etag_of
from tracker.api.resource import (
    PageQuery,
    Resource,
    Row,
    read_body,
    read_query,
    respond,
)
from tracker.api.schema import IF_MATCH, IF_NONE_MATCH, one
from tracker.api.webhooks.shapes import (
    DeliveryPage,
    DeliveryQuery,
    DeliveryRecord,
    DeliveryWithLog,
    EndpointChange,
    EndpointNew,
    EndpointPage,
    EndpointRecord,
    EndpointWithSecret,
    Nothing,
    SecretRotation,
)
from tracker.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from tracker.webhooks.queries import attempts_of
from tracker.webhooks.services import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    replay_delivery,
    rotate_secret,
    send_test,
)
from tracker.webhooks.services.endpoints import PREVIOUS_VALID


class WebhookEndpointViewSet(Resource):
    noun = "webhooks"
    read_permissions = ("tracker.view_webhookendpoint",)
    write_permissions = (
        "tracker.add_webhookendpoint",
        "tracker.change_webhookendpoint",
        "tracker.delete_webhookendpoint",
    )
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head", "post", "patch", "delete")

    @extend_schema(
        operation_id="list_webhook_endpoints",
        parameters=[PageQuery, IF_NONE_MATCH],
        responses=one(EndpointPage),
    )
    def list(self, request: Request) -> Response:
        """List one's own endpoints; administrators' keys list everybody's."""
        query = read_query(request, PageQuery) | {"of": "endpoints"}
        return self.page(
            request, query=query, rows=_endpoints(request), represent=_endpoint_rows
        )

    @extend_schema(
        operation_id="create_webhook_endpoint",
        request=EndpointNew,
        responses={201: EndpointWithSecret},
    )
    def create(self, request: Request) -> Response:
        """Have events sent to an address; the secret is answered this once.

        The key needs `events:read` as well.
        """
        facts = read_body(request, EndpointNew)
        _check_may_hear(request)
        with transaction.atomic():
            endpoint, secret = create_endpoint(
                endpoint=WebhookEndpoint(owner=caller(request), **facts),
                actor=caller(request),
            )
            row = self._read(request, pk=endpoint.pk)
        location = reverse("api:webhook-endpoint-detail", args=[endpoint.public_id])
        return self._answer_once(
            request, row, secret=secret, is_new=True, location=location
        )

    @extend_schema(
        operation_id="read_webhook_endpoint",
        parameters=[IF_NONE_MATCH],
        responses=EndpointRecord,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an endpoint; its secret is not told again."""
        return respond(request, self._read(request, public_id=id))

    @extend_schema(
        operation_id="change_webhook_endpoint",
        parameters=[IF_MATCH],
        request=EndpointChange,
        responses=EndpointRecord,
    )
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change an endpoint, or turn it off or on, as last read (If-Match)."""
        facts = read_body(request, EndpointChange)
        if "event_types" in facts:
            _check_may_hear(request)
        with transaction.atomic():
            endpoint = self._locked(request, id, is_required=True)
            is_enabled = facts.pop("is_enabled", endpoint.is_enabled)
            for name, value in facts.items():
                setattr(endpoint, name, value)
            change_endpoint(endpoint=endpoint, actor=caller(request))
            if is_enabled != endpoint.is_enabled:
                switch = enable_endpoint if is_enabled else disable_endpoint
                switch(endpoint=endpoint, actor=caller(request))
            row = self._read(request, public_id=id)
        return respond(request, row)

    @extend_schema(
        operation_id="delete_webhook_endpoint",
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete an endpoint together with its log."""
        with transaction.atomic():
            endpoint = self._locked(request, id, is_required=False)
            delete_endpoint(endpoint=endpoint, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="test_webhook_endpoint",
        request=Nothing,
        responses={201: DeliveryRecord},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, id: UUID) -> Response:
        """Send a message that says nothing; the delivery tells what came of it."""
        read_body(request, Nothing)
        delivery = send_test(endpoint=self._found(request, id), actor=caller(request))
        (row,) = _delivery_rows(WebhookDelivery.objects.filter(pk=delivery.pk))
        location = reverse("api:webhook-delivery-detail", args=[delivery.public_id])
        return respond(request, row[1], is_new=True, location=location)

    @extend_schema(
        operation_id="rotate_webhook_secret",
        request=SecretRotation,
        responses={200: EndpointWithSecret},
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, id: UUID) -> Response:
        """Draw another secret, answered this once.

        While the previous one is valid, messages carry a signature by each.
        """
        hours = read_body(request, SecretRotation).get("previous_valid_hours")
        secret = rotate_secret(
            endpoint=self._found(request, id),
            previous_valid=PREVIOUS_VALID if hours is None else timedelta(hours=hours),
            actor=caller(request),
        )
        row = self._read(request, public_id=id)
        return self._answer_once(request, row, secret=secret)

    def _answer_once(
        self, request: Request, row: Row, *, secret: str, **how: Any
    ) -> Response:
        """Answer the endpoint with its secret, of which no copy is kept anywhere.

        The ETag is the endpoint's own, as reading it answers.
        """
        self.headers["Cache-Control"] = "no-store"
        response = respond(request, row | {"secret": secret}, **how)
        without = encode(row)
        response["ETag"] = etag_of(without)
        return keep_instead(response, without)

    def _found(self, request: Request, id: UUID) -> WebhookEndpoint:
        endpoint = _endpoints(request).filter(public_id=id).first()
        if endpoint is None:
            raise Http404
        return endpoint

    def _locked(
        self, request: Request, id: UUID, *, is_required: bool
    ) -> WebhookEndpoint:
        """Return the endpoint, locked, as the caller has read it."""
        rows = _endpoints(request).select_for_update(of=("self",))
        endpoint = rows.filter(public_id=id).first()
        if endpoint is None:
            raise Http404
        current = encode(self._read(request, pk=endpoint.pk))
        check_unchanged(request, current, is_required=is_required)
        return endpoint

    def _read(self, request: Request, **key: Any) -> Row:
        for _position, row in _endpoint_rows(_endpoints(request).filter(**key)):
            return row
        raise Http404


def _check_may_hear(request: Request) -> None:
    """Refuse a key that may not read events to have them sent instead."""
    if not has_scope(request, "events:read"):
        raise PermissionDenied("This key lacks the scope events:read.")


def _endpoints(request: Request) -> QuerySet[WebhookEndpoint]:
    rows: QuerySet[WebhookEndpoint] = WebhookEndpoint.objects.all().visible_to(
        caller(request)
    )
    return rows


def _endpoint_rows(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (
            Position(row.updated_at, row.pk),
            {
                "id": row.public_id,
                "external_id": row.external_id,
                "name": row.name,
                "url": row.url,
                "event_types": row.event_types,
                "owner": {"id": row.owner.public_id},
                "is_enabled": row.is_enabled,
                "disabled_because": row.disabled_because or None,
                "failing_since": row.failing_since,
                "previous_secret_until": row.previous_until,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            },
        )
        for row in rows.select_related("owner")
    ]


class WebhookDeliveryViewSet(Resource):
    noun = "webhooks"
    read_permissions = ("tracker.view_webhookdelivery",)
    write_permissions = ("tracker.change_webhookdelivery",)
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head", "post")

    @extend_schema(
        operation_id="list_webhook_deliveries",
        parameters=[DeliveryQuery, IF_NONE_MATCH],
        responses=one(DeliveryPage),
    )
    def list(self, request: Request) -> Response:
        """List what was sent, is to be, or was given up, by its last change."""
        query = read_query(request, DeliveryQuery) | {"of": "deliveries"}
        rows = _deliveries(request)
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if "endpoint" in query:
            rows = rows.filter(endpoint__public_id=query["endpoint"])
        return self.page(request, query=query, rows=rows, represent=_delivery_rows)

    @extend_schema(
        operation_id="read_webhook_delivery",
        parameters=[IF_NONE_MATCH],
        responses=DeliveryWithLog,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read a delivery with every answer that came."""
        return respond(request, _with_log(self._found(request, id)))

    @extend_schema(
        operation_id="replay_webhook_delivery",
        request=Nothing,
        responses={200: DeliveryWithLog},
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, id: UUID) -> Response:
        """Send a message once more, under the same id."""
        read_body(request, Nothing)
        replay_delivery(delivery=self._found(request, id), actor=caller(request))
        return respond(request, _with_log(self._found(request, id)))

    def _found(self, request: Request, id: UUID) -> WebhookDelivery:
        rows = _deliveries(request).filter(public_id=id)
        found: WebhookDelivery | None = rows.select_related("endpoint").first()
        if found is None:
            raise Http404
        return found


def _deliveries(request: Request) -> QuerySet[WebhookDelivery]:
    rows: QuerySet[WebhookDelivery] = WebhookDelivery.objects.all().visible_to(
        caller(request)
    )
    return rows


def _with_log(delivery: WebhookDelivery) -> Row:
    log = [
        {
            "number": attempt.number,
            "made_at": attempt.made_at,
            "milliseconds": attempt.milliseconds,
            "status": attempt.status,
            "error": attempt.error or None,
            "answer": attempt.answer,
        }
        for attempt in attempts_of(delivery)
    ]
    return _delivery_row(delivery) | {"log": log}


def _delivery_rows(rows: QuerySet[Any, Any]) -> list[tuple[Position, Row]]:
    return [
        (Position(row.updated_at, row.pk), _delivery_row(row))
        for row in rows.select_related("endpoint")
    ]


def _delivery_row(row: WebhookDelivery) -> Row:
    is_waiting = row.state == DeliveryState.WAITING
    return {
        "id": row.public_id,
        "endpoint": {"id": row.endpoint.public_id, "name": row.endpoint.name},
        "message_id": row.message_id,
        "type": row.event_type,
        "state": row.state,
        "attempts": row.attempts,
        "next_attempt_at": row.due_at if is_waiting else None,
        "delivered_at": row.delivered_at,
        "last_status": row.last_status,
        "last_error": row.last_error or None,
        "body": row.body,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
