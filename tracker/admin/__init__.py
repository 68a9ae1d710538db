"""The admin of what happened; Django finds the pages through this package."""

from tracker.admin import fit, home, imports, invoice, jobs, ledger, panels, scope, work

__all__ = [
    "fit",
    "home",
    "imports",
    "invoice",
    "jobs",
    "ledger",
    "panels",
    "scope",
    "work",
]
