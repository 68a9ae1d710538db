from tracker.spend.models.accrual import Accrual
from tracker.spend.models.closing import (
    ClosedMonth,
    booked_month,
    first_open_month,
    hold_months_open,
    hold_months_still,
)
from tracker.spend.models.invoice import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
    LineUnit,
    Settlement,
)
from tracker.spend.models.ledger import (
    Basis,
    Dimension,
    LedgerEntry,
    MonthlySpend,
    MonthTotal,
    SourceType,
    StaleMonth,
    TotalsVersion,
)
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
    "Accrual",
    "Activity",
    "AssignedBy",
    "Basis",
    "ClosedMonth",
    "Dimension",
    "EngagementScoped",
    "ExchangeRate",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceSource",
    "InvoiceStatus",
    "LedgerEntry",
    "LineUnit",
    "MoneyScoped",
    "MonthTotal",
    "MonthlySpend",
    "OversightLog",
    "Payment",
    "RateOrigin",
    "Settlement",
    "SourceType",
    "StaleMonth",
    "Timesheet",
    "TimesheetStatus",
    "TotalsVersion",
    "WorkLog",
    "booked_month",
    "first_open_month",
    "hold_months_open",
    "hold_months_still",
]
