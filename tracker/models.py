"""Django's list of the tracker's models; each lives in its slice."""

from tracker.api.models import ApiKey
from tracker.fit.models import (
    Advice,
    Assessment,
    Decision,
    Flag,
    Policy,
    QuarterPrior,
)
from tracker.imports.models import CategoryCode, ImportProblem, ImportRun
from tracker.jobs.models import JobRun
from tracker.notify.models import (
    Alert,
    AlertCursor,
    CalendarFeed,
    NotificationPreference,
    Reminder,
    ToldEvent,
)
from tracker.performance.models import (
    Credit,
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Ticket,
)
from tracker.spend.models import (
    ExchangeRate,
    Invoice,
    InvoiceAttachment,
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    OversightLog,
    Payment,
    Settlement,
    Timesheet,
    WorkLog,
)

__all__ = [
    "Advice",
    "Alert",
    "AlertCursor",
    "ApiKey",
    "Assessment",
    "CalendarFeed",
    "CategoryCode",
    "Credit",
    "Decision",
    "Downtime",
    "ExchangeRate",
    "Exclusion",
    "Flag",
    "ImportProblem",
    "ImportRun",
    "Invoice",
    "InvoiceAttachment",
    "InvoiceLine",
    "JobRun",
    "LedgerEntry",
    "LevelResult",
    "Measurement",
    "MonthlySpend",
    "NotificationPreference",
    "OversightLog",
    "Payment",
    "Policy",
    "QuarterPrior",
    "Reminder",
    "Settlement",
    "Ticket",
    "Timesheet",
    "ToldEvent",
    "WorkLog",
]
