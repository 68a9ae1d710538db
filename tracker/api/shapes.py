"""Parts of answers that several resources share; they describe, and read nothing.

Answers are described more loosely than requests: they also hold what people typed
elsewhere.
"""

from typing import Any

from rest_framework import serializers


class NamedRecord(serializers.Serializer[Any]):
    """Another record, told by its ids and name."""

    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class CodedRecord(NamedRecord):
    code = serializers.CharField()


class Stamped(serializers.Serializer[Any]):
    """What every record carries."""

    id = serializers.UUIDField(help_text="The record's id here; never changes.")
    external_id = serializers.CharField(
        allow_null=True,
        help_text="The record's id in another system; unique among its kind.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Warned(serializers.Serializer[Any]):
    """What only a write may answer beside the record."""

    warnings = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Only of a write that exceeds a budget which lets it pass: by how"
        " much, in words, for those who see money.",
    )


class DeletedRecord(serializers.Serializer[Any]):
    """That a record was deleted; forget it, if you know it."""

    id = serializers.UUIDField()
    deleted_at = serializers.DateTimeField()


class Page(serializers.Serializer[Any]):
    """Part of a list. Subclasses say what is in `results`."""

    next_cursor = serializers.CharField(
        allow_null=True, help_text="Leads to the next page; null on the last."
    )


class PageWithDeleted(Page):
    deleted = DeletedRecord(
        many=True, required=False, help_text="Only with updated_since."
    )
