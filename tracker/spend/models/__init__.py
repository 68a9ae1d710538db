from tracker.spend.models.invoice import (
    Invoice,
    InvoiceAttachment,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
    LineUnit,
    Settlement,
)
from tracker.spend.models.ledger import Basis, LedgerEntry, MonthlySpend, SourceType
from tracker.spend.models.payment import Payment
from tracker.spend.models.rate import ExchangeRate, RateOrigin
from tracker.spend.models.scoped import EngagementScoped, MoneyScoped
from tracker.spend.models.work import (
    Activity,
    AssignedBy,
    OversightLog,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)

__all__ = [
    "Activity",
    "AssignedBy",
    "Basis",
    "EngagementScoped",
    "ExchangeRate",
    "Invoice",
    "InvoiceAttachment",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceSource",
    "InvoiceStatus",
    "LedgerEntry",
    "LineUnit",
    "MoneyScoped",
    "MonthlySpend",
    "OversightLog",
    "Payment",
    "RateOrigin",
    "Settlement",
    "SourceType",
    "Timesheet",
    "TimesheetStatus",
    "WorkLog",
]
