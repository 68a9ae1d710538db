"""The admin of what was agreed; Django finds the pages through this package."""

from engagements.admin import (
    augmented,
    document,
    engagement,
    event,
    managed,
    organisation,
    people,
    policies,
    sign_in,
    vendor,
)

__all__ = [
    "augmented",
    "document",
    "engagement",
    "event",
    "managed",
    "organisation",
    "people",
    "policies",
    "sign_in",
    "vendor",
]
