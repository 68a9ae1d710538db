"""Parts of answers that several resources share; they describe, and read nothing."""

from typing import Any

from rest_framework import serializers

from tracker.api.fields import Identifier, Line, Moment


class NamedRecord(serializers.Serializer[Any]):
    """Another record, told by its ids and name."""

    id = Identifier()
    external_id = Line(max_length=200, allow_null=True)
    name = serializers.CharField()


class CodedRecord(NamedRecord):
    code = serializers.CharField()


class Stamped(serializers.Serializer[Any]):
    """What every record carries."""

    id = Identifier(help_text="The record's id here; never changes.")
    external_id = Line(
        max_length=200,
        allow_null=True,
        help_text="The record's id in another system; unique among its kind.",
    )
    created_at = Moment()
    updated_at = Moment()
