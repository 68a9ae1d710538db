"""The stream of events, to be read from where one left off."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.core import signing
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api import fields
from tracker.api.errors import CursorRefused
from tracker.api.pagination import LARGEST_PAGE, PAGE_SIZE, name_query
from tracker.api.permissions import caller
from tracker.api.resource import Resource, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.webhooks.messages import message_of
from tracker.webhooks.public_types import PUBLIC_TYPES
from tracker.webhooks.queries import place_of_latest, published_to

OLDEST, NOW = "oldest", "now"


class EventData(serializers.Serializer[Any]):
    """Which record it happened to; read the record itself for more."""

    object = serializers.CharField(help_text="What kind of record, by its noun.")
    id = serializers.UUIDField(allow_null=True)
    engagement_id = serializers.UUIDField(
        allow_null=True, help_text="The engagement it belongs to, or is."
    )
    changed = serializers.ListField(
        child=serializers.CharField(),
        help_text="Names of the fields that changed; never their values.",
    )
    is_deleted = fields.Truth(help_text="A tombstone: the record is there no more.")


class EventRecord(serializers.Serializer[Any]):
    """What happened, as webhooks tell it too."""

    id = serializers.UUIDField(help_text="Sent by webhooks as webhook-id.")
    type = fields.Word(PUBLIC_TYPES)
    timestamp = serializers.DateTimeField(help_text="When it happened.")
    data = EventData()  # type: ignore[assignment] # declared; no attribute of the class


class EventPage(serializers.Serializer[Any]):
    results = EventRecord(many=True)
    next_cursor = serializers.CharField(
        help_text="Where to go on, now or later: keep it, also where nothing came."
    )
    has_more = fields.Truth(help_text="Whether the next page has something already.")


class EventQuery(fields.StrictShape):
    cursor = fields.Patterned(
        pattern=r"^[A-Za-z0-9_:-]+$",
        wanted="next_cursor as it was answered",
        min_length=1,
        max_length=400,
        required=False,
        help_text="What comes after: `next_cursor` of the page before, same `type`.",
    )
    page_size = fields.WholeInQuery(
        smallest=1,
        largest=LARGEST_PAGE,
        required=False,
        help_text=f"Events a page; {PAGE_SIZE} where not given.",
    )
    type = fields.Word(PUBLIC_TYPES, required=False)
    start = fields.Word(
        [OLDEST, NOW],
        required=False,
        help_text="Where to begin without a cursor; `now` answers a cursor alone.",
    )


class EventViewSet(Resource):
    noun = "events"
    # Each type asks for a permission of its own besides: see public_types.
    read_permissions = ("engagements.view_engagement",)
    write_permissions: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head")

    @extend_schema(
        operation_id="list_events",
        parameters=[EventQuery, IF_NONE_MATCH],
        responses=one(EventPage),
    )
    def list(self, request: Request) -> Response:
        """List events of what the key's owner may see, in an order that never changes.

        Poll with the last `next_cursor`: no event is passed over, and none comes twice.
        What was committed late stands after what was read, whatever its timestamp.
        """
        query = read_query(request, EventQuery)
        wanted = {"type": query["type"]} if "type" in query else {}
        name = name_query(self.noun, wanted)
        # Read first: up to there, nothing can turn up behind the reader.
        latest = place_of_latest()
        begin = latest if query.get("start") == NOW else 0
        place = _read_cursor(query.get("cursor"), query=name, begin=begin)
        size = query.get("page_size", PAGE_SIZE)
        rows = published_to(caller(request)).filter(pk__gt=place, pk__lte=latest)
        if wanted:
            rows = rows.filter(event_type=wanted["type"])
        found = list(rows.select_related("event").order_by("pk")[: size + 1])
        has_more = len(found) > size
        page = found[:size]
        reached = page[-1].pk if has_more else max(latest, place)
        return respond(
            request,
            {
                "results": [message_of(each) for each in page],
                "next_cursor": _write_cursor(reached, query=name),
                "has_more": has_more,
            },
        )

    @extend_schema(
        operation_id="read_event", parameters=[IF_NONE_MATCH], responses=EventRecord
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an event."""
        rows = published_to(caller(request)).filter(event__public_id=id)
        for found in rows.select_related("event"):
            return respond(request, message_of(found))
        raise Http404


def _signer(query: str) -> signing.Signer:
    # Without the time: the same page has the same ETag while nothing happens.
    return signing.Signer(salt=f"api.cursor.{query}")


def _write_cursor(place: int, *, query: str) -> str:
    return _signer(query).sign_object(place)


def _read_cursor(cursor: str | None, *, query: str, begin: int) -> int:
    if cursor is None:
        return begin
    try:
        return int(_signer(query).unsign_object(cursor))
    except signing.BadSignature:
        raise CursorRefused(
            {"cursor": ["Give next_cursor as it was answered to this very query."]}
        ) from None
