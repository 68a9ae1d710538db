"""The admin of what was agreed; Django finds the pages through this package."""

from engagements.admin import (
    access,
    approval,
    augmented,
    departures,
    document,
    engagement,
    event,
    managed,
    organisation,
    people,
    policies,
    sign_in,
    tasks,
    timeline_moments,
    vendor,
)

__all__ = [
    "access",
    "approval",
    "augmented",
    "departures",
    "document",
    "engagement",
    "event",
    "managed",
    "organisation",
    "people",
    "policies",
    "sign_in",
    "tasks",
    "timeline_moments",
    "vendor",
]
