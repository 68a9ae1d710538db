"""What a key may be allowed to do; every scope there is stands here."""

from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "engagements:read": "Read engagements, without amounts.",
    "engagements:write": "Create and change engagements; includes reading them.",
    "invoices:read": "Read invoices with their amounts.",
    "invoices:write": "Record invoices and receive them; includes reading them.",
    "vendors:read": "Read vendors.",
    "vendors:write": "Create and change vendors; includes reading them.",
    "model-flags:read": "Read the fit engine's flags with their evidence.",
    "assessments:read": (
        "Read the fit engine's verdicts, its groups and the patterns that it sees."
    ),
    "fit:read": "Ask the fit engine what it would say of supposed work.",
    "rates:read": "See fees and rates on the engagements that can be read.",
    "spend:read": "Read spend and every report with their amounts.",
    "measurements:read": "Read service levels and what was measured of them.",
    "measurements:write": (
        "Push measurements, downtime and tickets; includes reading them."
    ),
    "credits:read": "Read service credits with their amounts.",
    "reviews:read": "Read reviews of contractors and contracts.",
    "events:read": "Read the stream of events: which record changed, and when.",
    "webhooks:read": "Read webhook endpoints and the log of what was sent.",
    "webhooks:write": (
        "Create, change and delete webhook endpoints; includes reading them."
    ),
    "departments:read": "Read departments.",
    "departments:write": "Create and change departments; includes reading them.",
    "cost-centers:read": "Read cost centers.",
    "cost-centers:write": "Create and change cost centers; includes reading them.",
    "services:read": "Read services.",
    "services:write": "Create and change services; includes reading them.",
    "people:read": "Read your own people and teams, as your identity tool has them.",
    "people:write": "Push people and teams by SCIM; includes reading them.",
    "contractors:read": "Read contractors and where they work, without rates.",
    "contractors:write": "Create and change contractors; includes reading them.",
    "timesheets:read": "Read hours worked, entry by entry.",
    "timesheets:write": "Record hours worked; approving them stays with people.",
    "imports:read": "Read what became of imported files, line by line.",
    "imports:write": "Import files of every kind that the key's owner may import.",
    "rates:write": "Set fees and rates; includes seeing them.",
}


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes) - SCOPES.keys())


def allows(granted: Iterable[str], wanted: str) -> bool:
    """Tell whether the granted scopes cover `wanted`; writing includes reading."""
    noun, _, verb = wanted.partition(":")
    return wanted in granted or (verb == "read" and f"{noun}:write" in granted)
