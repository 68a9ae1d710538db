"""Fields that take exactly what the published schema says, and nothing by courtesy.

REST framework's own fields are lenient: 123 becomes "123" and "yes" becomes true. A
field here states its JSON Schema and reads by it, so the two can't drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast
from uuid import UUID

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

    Direction = Any

Schema = dict[str, Any]

# Control characters, line separators, and the marks that reorder what is read. Lone
# surrogates are refused by the parser: no schema dialect can name them portably.
_NOWHERE = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffe\uffff"
_AT_EDGE = _NOWHERE + r"\u0020\u00a0\u3000"
LINE = f"^[^{_AT_EDGE}]([^{_NOWHERE}]*[^{_AT_EDGE}])?$"

# From 1900 to 2199: terms and notice reckoned from these stay within the calendar.
_DAY = r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
DAY = f"^{_DAY}$"
MOMENT = f"^{_DAY}T{_TIME}{_OFFSET}$"
AMOUNT = r"^(0|[1-9][0-9]{0,10})(\.[0-9]{1,4})?$"
PERCENT = r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)$"
FACTOR = r"^[1-9](\.[0-9]{1,4})?$"
HOURS = r"^[0-9]{1,3}(\.[0-9]{1,2})?$"
UUID_FORM = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
CURRENCY = "^[A-Z]{3}$"
COUNTRY = "^[A-Z]{2}$"


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """A field that describes itself in JSON Schema; subclasses read by it."""

    def schema(self) -> Schema:
        raise NotImplementedError

    def refuse(self, detail: str, code: str = "invalid") -> NoReturn:
        raise serializers.ValidationError(detail, code=code)

    def to_representation(self, value: Any) -> Any:
        return value


class Patterned(StrictField):
    """Text that a pattern describes in full."""

    pattern = ""
    wanted = "text"
    extra: ClassVar[Schema] = {}

    def __init__(
        self,
        *,
        pattern: str | None = None,
        wanted: str | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.pattern = pattern or self.pattern
        self.wanted = wanted or self.wanted
        self.min_length = min_length
        self.max_length = max_length
        # A dollar sign of Python's also matches before a final line feed.
        self.compiled = re.compile(self.pattern.removesuffix("$") + r"\Z")

    def schema(self) -> Schema:
        bounds = {"minLength": self.min_length, "maxLength": self.max_length}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": "string", "pattern": self.pattern, **self.extra, **given}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.refuse("Give text.", "type")
        if self.max_length is not None and len(data) > self.max_length:
            self.refuse(f"Give at most {self.max_length} characters.", "max_length")
        if self.min_length is not None and len(data) < self.min_length:
            self.refuse(f"Give at least {self.min_length} characters.", "min_length")
        if not self.compiled.match(data):
            self.refuse(f"Give {self.wanted}.", "pattern")
        return self.read(data)

    def read(self, text: str) -> Any:
        return text


class Line(Patterned):
    """One line of text, without control characters or spaces around it."""

    pattern = LINE
    wanted = "one line of text, without control characters or spaces around it"

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(min_length=1, max_length=max_length, **options)


class Identifier(Patterned):
    pattern = UUID_FORM
    wanted = "a UUID"
    extra: ClassVar[Schema] = {"format": "uuid"}

    def read(self, text: str) -> UUID:
        return UUID(text)


class Day(Patterned):
    pattern = DAY
    wanted = "a date such as 2026-01-31, from 1900 to 2199"
    extra: ClassVar[Schema] = {"format": "date"}

    def read(self, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.refuse("There is no such day.", "date")


class Moment(Patterned):
    """A date and time with its offset, brought to UTC."""

    pattern = MOMENT
    wanted = (
        "a date and time with its offset, such as 2026-01-31T09:30:00Z "
        "(in an address, a plus sign is written %2B)"
    )
    extra: ClassVar[Schema] = {"format": "date-time"}

    def read(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            self.refuse("There is no such day.", "date")


class Exact(Patterned):
    """A decimal number as text, since a JSON number would lose its last digits."""

    wanted = "a decimal number as text, such as “12500.00”"

    def read(self, text: str) -> Decimal:
        return Decimal(text)


class Word(StrictField):
    """One of a closed list of words."""

    def __init__(self, words: Iterable[str], **options: Any) -> None:
        super().__init__(**options)
        self.words = [str(word) for word in words]

    def schema(self) -> Schema:
        # An enumeration lists all there is, null as well.
        null = [None] if self.allow_null else []
        return {"type": "string", "enum": [*self.words, *null]}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.words:
            self.refuse(f"Give one of {', '.join(self.words)}.", "choice")
        return data


class Whole(StrictField):
    def __init__(self, *, smallest: int, largest: int, **options: Any) -> None:
        super().__init__(**options)
        self.smallest = smallest
        self.largest = largest

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.smallest, "maximum": self.largest}

    def to_internal_value(self, data: Any) -> int:
        # 3.0 is an integer in JSON Schema; true is none.
        is_whole = isinstance(data, int) or (
            isinstance(data, float) and data.is_integer()
        )
        if isinstance(data, bool) or not is_whole:
            self.refuse("Give a whole number.", "type")
        return self.check(int(data))

    def check(self, number: int) -> int:
        if not self.smallest <= number <= self.largest:
            self.refuse(
                f"Give a number from {self.smallest} to {self.largest}.", "range"
            )
        return number


class WholeInQuery(Whole):
    """A whole number in an address, where everything is text."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{1,9}", data):
            self.refuse("Give a whole number.", "type")
        return self.check(int(data))


class Truth(StrictField):
    def schema(self) -> Schema:
        return {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.refuse("Give true or false.", "type")
        return data


class TruthInQuery(Truth):
    """True or false in an address, where everything is text."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.refuse("Give true or false.", "type")
        return bool(data == "true")


class Lines(StrictField):
    """A list of so many lines of text, each once."""

    def __init__(self, *, largest: int, max_length: int, **options: Any) -> None:
        super().__init__(**options)
        self.largest = largest
        self.line = Line(max_length=max_length)

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.line.schema(),
            "maxItems": self.largest,
            "uniqueItems": True,
        }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.refuse("Give a list.", "type")
        if len(data) > self.largest:
            self.refuse(f"Give at most {self.largest}.", "max_length")
        found = [self.line.to_internal_value(one) for one in data]
        if len(set(found)) < len(found):
            self.refuse("Give each once.", "repeated")
        return found


class StrictShape(serializers.Serializer[Any]):
    """An object that holds the declared names and no others."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            errors = {
                str(name)[:100]: [ErrorDetail("There is no such name here.", "unknown")]
                for name in data
                if name not in self.fields
            }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors |= cast("dict[str, Any]", error.detail)
        if errors:
            raise serializers.ValidationError(errors)
        return value


class Several(serializers.ListSerializer[Any]):
    """A list of so many shapes."""

    def __init__(self, *, smallest: int, largest: int, **options: Any) -> None:
        super().__init__(min_length=smallest, max_length=largest, **options)
        self.smallest = smallest
        self.largest = largest


@dataclass(frozen=True)
class Named:
    """A record as a caller names it: by which of its keys, and that key's value."""

    key: str
    value: Any


class Reference(StrictShape):
    """Names another record by exactly one of its keys."""

    id = Identifier(required=False, help_text="The record's id here.")
    external_id = Line(
        max_length=200, required=False, help_text="Its id in the other system."
    )

    def to_internal_value(self, data: Any) -> Named:
        value = super().to_internal_value(data)
        if len(value) != 1:
            names = ", ".join(self.fields)
            raise serializers.ValidationError(
                {"non_field_errors": [f"Give exactly one of {names}."]}, "one_of"
            )
        ((key, found),) = value.items()
        return Named(key, found)


class CodedReference(Reference):
    """Names another record by exactly one of its keys; its code is one of them."""

    code = Line(max_length=40, required=False, help_text="Its code.")


class StrictFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call] # its registry is untyped
    target_class = StrictField
    match_subclasses = True

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Direction
    ) -> Schema:
        schema: Schema = self.target.schema()
        return schema


class StrictShapeSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call] # its registry is untyped
    target_class = StrictShape
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        schema: Schema = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        schema["additionalProperties"] = False
        for name, field in self.target.fields.items():
            if isinstance(field, Several):
                schema["properties"][name] |= {
                    "minItems": field.smallest,
                    "maxItems": field.largest,
                }
        if isinstance(self.target, Reference):
            return _one_name_each(schema, auto_schema)
        return schema


def _one_name_each(schema: Schema, auto_schema: AutoSchema) -> Schema:
    """Return the object's schema as one object for each name it can hold.

    These are components, since generated clients call their classes after them.
    """
    variants = []
    for name, inner in schema["properties"].items():
        words = "".join(word.title() for word in name.split("_"))
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=f"ReferenceBy{words}Request",
            type=ResolvedComponent.SCHEMA,
            object=f"reference by {name}",
            schema={
                "type": "object",
                "properties": {name: inner},
                "required": [name],
                "additionalProperties": False,
            },
        )
        auto_schema.registry.register_on_missing(component)
        variants.append(component.ref)
    return {"description": schema["description"], "oneOf": variants}
