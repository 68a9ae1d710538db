from typing import Any

from rest_framework import serializers

from tracker.api import fields
from tracker.api.resource import PageQuery
from tracker.api.shapes import Stamped
from tracker.webhooks.models import DeliveryState, WhyDisabled
from tracker.webhooks.public_types import PUBLIC_TYPES
from tracker.webhooks.services.endpoints import LONGEST_OVERLAP

OVERLAP_HOURS = int(LONGEST_OVERLAP.total_seconds() // 3600)


class EventTypes(fields.StrictField):
    """Names of types, each once."""

    def schema(self) -> fields.Schema:
        return {
            "type": "array",
            "items": {"type": "string", "enum": list(PUBLIC_TYPES)},
            "minItems": 1,
            "maxItems": len(PUBLIC_TYPES),
            "uniqueItems": True,
        }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(n, str) for n in data):
            self.refuse("Give a list of types of events.", "type")
        unknown = sorted(set(data) - PUBLIC_TYPES.keys())
        if unknown:
            self.refuse(f"There is no type {unknown[0][:60]}.", "choice")
        if not data or len(set(data)) < len(data):
            self.refuse("Give one type or more, each once.", "unique")
        return list(data)


class EndpointFacts(fields.StrictShape):
    name = fields.Line(
        max_length=120, required=False, help_text="Which system listens there."
    )
    url = fields.Line(
        max_length=500, required=False, help_text="By https, on port 443 or 8443."
    )
    event_types = EventTypes(required=False)
    external_id = fields.Line(max_length=200, required=False, allow_null=True)


class EndpointNew(EndpointFacts):
    name = fields.Line(max_length=120, help_text="Which system listens there.")
    url = fields.Line(max_length=500, help_text="By https, on port 443 or 8443.")
    event_types = EventTypes()


class EndpointChange(EndpointFacts):
    is_enabled = fields.Truth(
        required=False,
        help_text="False gives up what waits; true sends from the next event on.",
    )


class EndpointOwner(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class EndpointRecord(Stamped):
    """Where events are sent to, of what its owner may see."""

    name = serializers.CharField()
    url = serializers.CharField()
    event_types = serializers.ListField(child=serializers.CharField())
    owner = EndpointOwner()
    is_enabled = fields.Truth()
    disabled_because = fields.Word(WhyDisabled.values, allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then messages carry two signatures."
    )


class EndpointWithSecret(EndpointRecord):
    """A new endpoint; its secret is shown this once."""

    secret = serializers.CharField(
        required=False,
        help_text="What signatures are verified with; absent where an Idempotency-Key"
        " replays the answer.",
    )


class EndpointPage(serializers.Serializer[Any]):
    results = EndpointRecord(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SecretRotation(fields.StrictShape):
    previous_valid_hours = fields.Whole(
        smallest=0,
        largest=OVERLAP_HOURS,
        required=False,
        help_text="So long both secrets are good; 24 where not given, 0 ends the old.",
    )


class Nothing(fields.StrictShape):
    """An empty object: the address says it all."""


class AttemptRecord(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    made_at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    answer = serializers.CharField(help_text="The beginning of what came back.")


class DeliveryEndpoint(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class DeliveryRecord(serializers.Serializer[Any]):
    """One message to one endpoint."""

    id = serializers.UUIDField()
    endpoint = DeliveryEndpoint()
    message_id = serializers.CharField(help_text="Sent as webhook-id, every time.")
    type = serializers.CharField()
    state = fields.Word(DeliveryState.values, help_text="`dead` is given up.")
    attempts = serializers.IntegerField(help_text="Of the present round.")
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    body = serializers.CharField(help_text="Just the bytes that are signed and sent.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DeliveryWithLog(DeliveryRecord):
    log = AttemptRecord(many=True, help_text="Every post, the latest first.")


class DeliveryPage(serializers.Serializer[Any]):
    results = DeliveryRecord(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class DeliveryQuery(PageQuery):
    state = fields.Word(DeliveryState.values, required=False)
    endpoint = fields.Identifier(required=False)
