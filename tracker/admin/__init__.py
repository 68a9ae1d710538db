"""The admin of what happened; Django finds the pages through this package."""

from tracker.admin import home, imports, invoice, jobs, ledger, panels, scope, work

__all__ = ["home", "imports", "invoice", "jobs", "ledger", "panels", "scope", "work"]
