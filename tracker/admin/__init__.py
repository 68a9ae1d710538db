"""The admin of what happened; Django finds the pages through this package."""

from tracker.admin import (
    alerts,
    api_keys,
    exports,
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
    work,
)

__all__ = [
    "alerts",
    "api_keys",
    "exports",
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
    "work",
]
