"""What a key may be allowed to do; every scope there is stands here."""

from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "engagements:read": "Read engagements, without amounts.",
    "engagements:write": "Create and change engagements; includes reading them.",
    "invoices:read": "Read invoices with their amounts.",
    "invoices:write": "Record invoices and receive them; includes reading them.",
    "vendors:read": "Read vendors.",
    "vendors:write": "Create and change vendors; includes reading them.",
    "rates:read": "See fees and rates on the engagements that can be read.",
    "rates:write": "Set fees and rates; includes seeing them.",
}


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes) - SCOPES.keys())


def allows(granted: Iterable[str], wanted: str) -> bool:
    """Tell whether the granted scopes cover `wanted`; writing includes reading."""
    noun, _, verb = wanted.partition(":")
    return wanted in granted or (verb == "read" and f"{noun}:write" in granted)
