"""JSON documents: a list of objects, or an object whose "data" is one.

What time trackers nest is flattened first (`time_documents`).

Numbers are kept as the text they are written in, so an amount never passes through a
floating-point number.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracker.imports.problems import UnreadableFileError
from tracker.imports.tables import MOST_COLUMNS, MOST_LINES, Line, Table
from tracker.imports.time_documents import flattened

_SHAPE = 'Give a list of objects, or {"data": [ … ]}.'


class _Repeated(dict[str, Any]):
    """An object in which one name stands twice."""


def read_json(path: Path) -> Table:
    """Return the table whose lines are the items, numbered from 1."""
    document = flattened(_document(path))
    items = document.get("data") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise UnreadableFileError(f"The document is no list of lines. {_SHAPE}")
    if len(items) > MOST_LINES:
        raise UnreadableFileError(f"The document has more than {MOST_LINES:,} items.")
    columns = _columns(items)
    if not columns:
        raise UnreadableFileError(f"The document holds no item with fields. {_SHAPE}")

    def lines() -> Iterator[Line]:
        for number, item in enumerate(items, start=1):
            yield _line(number, item, columns)

    return Table(
        file_format="json",
        columns=columns,
        header_line=0,
        lines=lines,
        reading={"encoding": "UTF-8"},
        defaults=_defaults(document),
    )


def _document(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise UnreadableFileError("The JSON is not UTF-8. Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise UnreadableFileError(
            f"The JSON breaks off in line {error.lineno}, column {error.colno}:"
            f" {error.msg}."
        ) from error
    except RecursionError as error:
        raise UnreadableFileError(f"The JSON is nested too deep. {_SHAPE}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    return whole if len(whole) == len(pairs) else _Repeated(whole)


def _columns(items: list[Any]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for item in items:
        if isinstance(item, dict):
            names.update(dict.fromkeys(item))
        if len(names) > MOST_COLUMNS:
            raise UnreadableFileError(
                f"The items have more than {MOST_COLUMNS} different fields."
            )
    return tuple(names)


def _line(number: int, item: Any, columns: tuple[str, ...]) -> Line:
    if not isinstance(item, dict):
        return Line(number, (str(item)[:200],), "it is no object with fields")
    if isinstance(item, _Repeated):
        return Line(number, (), "one of its fields stands in it twice")
    nested = [name for name in columns if isinstance(item.get(name), list | dict)]
    if nested:
        return Line(number, (), f"its field “{nested[0]}” holds a list or an object")
    return Line(number, tuple(_text(item.get(name)) for name in columns))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _defaults(document: Any) -> dict[str, str]:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    currency = metadata.get("currency") if isinstance(metadata, dict) else None
    return {"currency": currency} if isinstance(currency, str) else {}
