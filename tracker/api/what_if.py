"""Supposed work, judged by the engine in force; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Kind
from tracker.api import fields
from tracker.api.errors import Unprocessable
from tracker.api.resource import Resource, Row, read_body, respond
from tracker.api.schema import CHANGES_NOTHING
from tracker.fit.evidence import Observation
from tracker.fit.facts_file import told
from tracker.fit.services import scales, suppose
from tracker.fit.stated import MOST_RECORDS, Scale
from tracker.fit.verdict import Answer
from tracker.fit.what_if import Part, Work

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

MOST_WORKS = 100
MOST_PARTS = 20
LARGEST_ID = 2**53 - 1
IS_MANAGED = {Kind.MANAGED.value: True, Kind.AUGMENTED.value: False, None: None}


class Fact(fields.StrictField):
    """What is stated of one criterion: a figure, and how many records it rests on."""

    def __init__(self, scale: Scale, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.scale = scale

    def schema(self) -> fields.Schema:
        return {
            "type": "object",
            "properties": {
                "value": {
                    "type": "number",
                    "minimum": self.scale.least,
                    "maximum": self.scale.most,
                },
                "records": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "maximum": MOST_RECORDS,
                },
            },
            "required": ["value"],
            "additionalProperties": False,
        }

    def to_internal_value(self, data: Any) -> Observation:
        if not isinstance(data, Mapping):
            self.refuse("Give an object with value and records.", "type")
        errors = {
            str(name)[:100]: [_error("There is no such name here.", "unknown")]
            for name in data
            if name not in ("value", "records")
        }
        value, records = data.get("value"), data.get("records")
        if refusal := self._value_refused(value, is_given="value" in data):
            errors["value"] = [refusal]
        if refusal := _records_refused(records):
            errors["records"] = [refusal]
        if errors:
            raise serializers.ValidationError(errors)
        whole = None if records is None else int(records)
        return self.scale.observation(float(data["value"]), whole)

    def _value_refused(
        self, value: Any, *, is_given: bool
    ) -> serializers.ErrorDetail | None:
        least, most = self.scale.least, self.scale.most
        if not is_given:
            return _error("Give a number.", "required")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _error("Give a number.", "type")
        if not least <= value <= most:
            return _error(f"Give a number from {least:g} to {most:g}.", "range")
        return None


def _records_refused(records: Any) -> serializers.ErrorDetail | None:
    is_whole = isinstance(records, int) or (
        isinstance(records, float) and records.is_integer()
    )
    if records is None:
        return None
    if isinstance(records, bool) or not is_whole:
        return _error("Give a whole number, or null.", "type")
    if not 1 <= records <= MOST_RECORDS:
        return _error(f"Give a number from 1 to {MOST_RECORDS}.", "range")
    return None


def _error(detail: str, code: str) -> serializers.ErrorDetail:
    return serializers.ErrorDetail(detail, code)


class Facts(fields.StrictShape):
    """Figures by criterion; one that is left out is not known."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # By the registry: a criterion of a file of its own needs no line here.
        return {code: Fact(scale) for code, scale in scales().items()}


class WorkId(fields.StrictField):
    """A text or a whole number by which the answer is told apart."""

    def schema(self) -> fields.Schema:
        line = fields.Line(max_length=200).schema()
        number = {"type": "integer", "minimum": -LARGEST_ID, "maximum": LARGEST_ID}
        return {"oneOf": [line, number]}

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, str):
            return str(fields.Line(max_length=200).to_internal_value(data))
        whole = fields.Whole(smallest=-LARGEST_ID, largest=LARGEST_ID)
        return whole.to_internal_value(data)


class SupposedPart(fields.StrictShape):
    name = fields.Line(max_length=200)
    facts = Facts(required=False)


class SupposedWork(fields.StrictShape):
    """Work to be judged, which need not exist; `parts` are judged for a blend."""

    id = WorkId()
    current_model = fields.Word(
        Kind.values,
        required=False,
        allow_null=True,
        help_text="null while the work is in neither model.",
    )
    facts = Facts(required=False)
    parts = fields.Several(
        child=SupposedPart(), smallest=0, largest=MOST_PARTS, required=False
    )


class SupposedWorks(SupposedWork):
    """One work or a list of them."""


class OneOrMany(OpenApiSerializerExtension):  # type: ignore[no-untyped-call] # its registry is untyped
    target_class = SupposedWorks
    priority = 1

    def map_serializer(
        self, auto_schema: AutoSchema, direction: fields.Direction
    ) -> fields.Schema:
        one = auto_schema.resolve_serializer(SupposedWork(), direction).ref
        many = {
            "type": "array",
            "items": one,
            "minItems": 1,
            "maxItems": MOST_WORKS,
        }
        return {"oneOf": [one, many]}


class Point(serializers.Serializer[Any]):
    """What one fact says: points above 0 speak for managed."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # DRF's own attribute
    points = serializers.FloatField()
    sentence = serializers.CharField()
    value = serializers.CharField()
    records = serializers.IntegerField()
    lean = serializers.FloatField()
    changing = serializers.BooleanField()


class Missing(serializers.Serializer[Any]):
    """A fact not given, and by how many points it could still move the share."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # DRF's own attribute
    question = serializers.CharField()
    swing_points = serializers.FloatField()
    how_to_record = serializers.CharField()


class Change(serializers.Serializer[Any]):
    """What would change the verdict; with two codes, both together."""

    codes = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    opposition = serializers.FloatField()


class JudgedWork(serializers.Serializer[Any]):
    """What the engine in force says of a work, or of one of its parts."""

    verdict = fields.Word([answer.value for answer in Answer])
    leaning = fields.Word(Kind.values, allow_null=True)
    acceptability = serializers.FloatField(
        help_text="Share of plausible priorities and readings under which managed fits."
    )
    coverage = serializers.FloatField()
    headline = serializers.CharField()
    points = Point(many=True)
    missing = Missing(many=True)
    counterfactuals = Change(many=True)


class JudgedPart(JudgedWork):
    name = serializers.CharField()


class BlendOfParts(serializers.Serializer[Any]):
    managed = serializers.ListField(child=serializers.CharField())
    augmented = serializers.ListField(child=serializers.CharField())


class WhatIfAnswer(JudgedWork):
    id = WorkId()
    blend = BlendOfParts(allow_null=True)
    parts = JudgedPart(many=True)


class WhatIfAnswers(WhatIfAnswer):
    """The answer for one work, or a list in the order asked."""


class OneOrManyAnswers(OpenApiSerializerExtension):  # type: ignore[no-untyped-call] # likewise
    target_class = WhatIfAnswers
    priority = 1

    def map_serializer(
        self, auto_schema: AutoSchema, direction: fields.Direction
    ) -> fields.Schema:
        one = auto_schema.resolve_serializer(WhatIfAnswer(), direction).ref
        return {"oneOf": [one, {"type": "array", "items": one}]}


class WhatIfView(Resource):
    noun = "fit"
    read_permissions = ("tracker.view_assessment",)
    # Asking changes nothing, whatever the verb of HTTP.
    write_permissions = read_permissions
    is_question = True
    http_method_names = ("post",)

    @extend_schema(
        operation_id="ask_what_if",
        request=SupposedWorks,
        responses=WhatIfAnswers,
        extensions={CHANGES_NOTHING: True},
    )
    def ask(self, request: Request) -> Response:
        """Judge supposed work, one or a list; the body and answer of `what_if`."""
        works = _read(request)
        answered = suppose(works=[work for _name, work in works])
        answers = [
            told(name, answer)
            for (name, _work), answer in zip(works, answered, strict=True)
        ]
        is_list = isinstance(request.data, list)
        return respond(request, answers if is_list else answers[0])


def _read(request: Request) -> list[tuple[str | int, Work]]:
    if not isinstance(request.data, list):
        return [_work(read_body(request, SupposedWork), "")]
    shape = fields.Several(child=SupposedWork(), smallest=1, largest=MOST_WORKS)
    given = shape.run_validation(request.data)
    works = [_work(one, f"{at}") for at, one in enumerate(given)]
    seen: set[str | int] = set()
    for at, (name, _work_of_it) in enumerate(works):
        if name in seen:
            repeated: Row = {"id": ["This id stands more than once."]}
            raise Unprocessable({str(at): repeated})
        seen.add(name)
    return works


def _work(given: Mapping[str, Any], at: str) -> tuple[str | int, Work]:
    parts = [
        Part(part["name"], part.get("facts", {})) for part in given.get("parts", [])
    ]
    names = [part.name for part in parts]
    for number, name in enumerate(names):
        if name in names[:number]:
            detail: Row = {
                "parts": {number: {"name": ["This name stands more than once."]}}
            }
            raise Unprocessable({at: detail} if at else detail)
    return given["id"], Work(
        is_managed=IS_MANAGED[given.get("current_model")],
        facts=given.get("facts", {}),
        parts=tuple(parts),
    )
