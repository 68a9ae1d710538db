"""JSON of time trackers, flattened: one object of plain fields for each entry.

Known are Mite (each entry wrapped), Timewarrior (a list of tags, moments without
dashes) and Sage HR (days, then employees, then their clockings).
"""

import re
from collections.abc import Iterator
from typing import Any

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z", re.ASCII)


def flattened(document: Any) -> Any:
    """Return the entries as a list, or the document untouched where it is another."""
    if isinstance(document, dict) and isinstance(document.get("clocked_time"), dict):
        return list(_clockings(document["clocked_time"]))
    if isinstance(document, dict) and _is_wrapped(document):
        return [document["time_entry"]]
    if isinstance(document, list) and document:
        if all(_is_wrapped(item) for item in document):
            return [item["time_entry"] for item in document]
        if all(_is_interval(item) for item in document):
            return [_interval(item) for item in document]
    return document


def _is_wrapped(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and set(item) == {"time_entry"}
        and isinstance(item["time_entry"], dict)
    )


def _is_interval(item: Any) -> bool:
    start = item.get("start") if isinstance(item, dict) else None
    return isinstance(start, str) and _COMPACT.fullmatch(start) is not None


def _interval(item: dict[str, Any]) -> dict[str, Any]:
    """Return one of Timewarrior's intervals, its tags as one text."""
    flat = {"id": "", "start": "", "end": "", "tags": "", "annotation": ""} | item
    for name in ("start", "end"):
        flat[name] = _COMPACT.sub(r"\1-\2-\3 \4:\5:\6Z", str(flat[name]))
    tags = flat["tags"]
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        words = ", ".join(tags)
        flat["tags"] = words
        # Most say what they did by tags alone.
        flat["annotation"] = flat["annotation"] or words
    # They are numbered from the latest one: each new entry takes the numbers on.
    del flat["id"]
    return flat


def _clockings(days: dict[str, Any]) -> Iterator[Any]:
    for day, employees in days.items():
        if not isinstance(employees, dict):
            yield employees
            continue
        for employee, clockings in employees.items():
            yield from _of_employee(day, employee, clockings)


def _of_employee(day: str, employee: str, clockings: Any) -> Iterator[Any]:
    """Yield the day's clockings; what has another shape is left for the reader."""
    if not isinstance(clockings, list):
        yield clockings
        return
    for clocking in clockings:
        if isinstance(clocking, dict):
            yield {"date": day, "employee_id": employee} | clocking
        else:
            yield clocking
