"""Django's list of the tracker's models; each lives in its slice."""

from tracker.jobs.models import JobRun
from tracker.spend.models import (
    Invoice,
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    OversightLog,
    Payment,
    WorkLog,
)

__all__ = [
    "Invoice",
    "InvoiceLine",
    "JobRun",
    "LedgerEntry",
    "MonthlySpend",
    "OversightLog",
    "Payment",
    "WorkLog",
]
