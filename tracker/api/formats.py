"""JSON in and out: nothing that another reader would take differently."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(data: Any) -> bytes:
    return orjson.dumps(data, default=str, option=OPTIONS)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the data as JSON; bytes are JSON already."""
        if data is None:
            return b""
        return data if isinstance(data, bytes) else encode(data)


class StrictJSONParser(BaseParser):
    """Refuses what JSON readers disagree on, before any field looks at it.

    That is: other encodings than UTF-8, names given twice, NaN, lone surrogates, and
    numbers or nesting beyond what Python reads.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            data = json.loads(
                stream.read().decode("utf-8"),
                object_pairs_hook=_without_repeats,
                parse_constant=_refuse_constant,
            )
            # Escapes such as \ud800 pass every reader and break every writer.
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8")
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {str(error)[:200]}") from None
        return data


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON.")
