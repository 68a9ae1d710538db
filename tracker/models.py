"""Django's list of the tracker's models; each lives in its slice."""

from tracker.api.models import ApiKey
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
    "ApiKey",
    "Invoice",
    "InvoiceLine",
    "JobRun",
    "LedgerEntry",
    "MonthlySpend",
    "OversightLog",
    "Payment",
    "WorkLog",
]
