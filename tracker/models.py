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
from tracker.imports.models import CategoryCode, ImportProblem, ImportRun, TimeName
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
    LevelProgress,
    LevelResult,
    Measurement,
    Review,
    Ticket,
)
from tracker.spend.models import (
    ExchangeRate,
    Invoice,
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
    "InvoiceLine",
    "JobRun",
    "LedgerEntry",
    "LevelProgress",
    "LevelResult",
    "Measurement",
    "MonthlySpend",
    "NotificationPreference",
    "OversightLog",
    "Payment",
    "Policy",
    "QuarterPrior",
    "Reminder",
    "Review",
    "Settlement",
    "Ticket",
    "TimeName",
    "Timesheet",
    "ToldEvent",
    "WorkLog",
]
