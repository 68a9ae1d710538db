"""Other records as answers name them, from columns that follow one another."""

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

_NAMES = ("id", "external_id", "name", "code")


def record(values: Sequence[Any]) -> Row | None:
    """Return (id, external id, name[, code]) by name; None where there is none."""
    if values[0] is None:
        return None
    return dict(zip(_NAMES, values, strict=False))


def person(values: Sequence[Any]) -> Row | None:
    """Return (id, external id, first, last and user name) of a person likewise."""
    public_id, external_id, first_name, last_name, username = values
    if public_id is None:
        return None
    name = f"{first_name} {last_name}".strip() or username
    return {"id": public_id, "external_id": external_id, "name": name}
