"""The admin of what happened; Django finds the pages through this package."""

from tracker.admin import (
    api_keys,
    event_words,
    fit,
    home,
    imports,
    intake,
    invoice,
    jobs,
    ledger,
    panels,
    rates,
    scope,
    settlement,
    timeline_moments,
    work,
)

__all__ = [
    "api_keys",
    "event_words",
    "fit",
    "home",
    "imports",
    "intake",
    "invoice",
    "jobs",
    "ledger",
    "panels",
    "rates",
    "scope",
    "settlement",
    "timeline_moments",
    "work",
]
