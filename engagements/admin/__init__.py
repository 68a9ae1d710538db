"""The admin of what was agreed; Django finds the pages through this package."""

from engagements.admin import (
    augmented,
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
    "engagement",
    "event",
    "managed",
    "organisation",
    "people",
    "policies",
    "sign_in",
    "vendor",
]
