from tracker.spend.models.invoice import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
    LineUnit,
    Settlement,
)
from tracker.spend.models.ledger import Basis, LedgerEntry, MonthlySpend, SourceType
from tracker.spend.models.match import (
    BY_PEOPLE,
    CODES,
    LETS_GO,
    TAKES_BACK,
    ExceptionState,
    MatchException,
    Resolution,
)
from tracker.spend.models.payment import Payment
from tracker.spend.models.purchase_order import (
    OrderChange,
    OrderCoverage,
    OrderStatus,
    PurchaseOrder,
)
from tracker.spend.models.rate import ExchangeRate, RateOrigin
from tracker.spend.models.saving import (
    Saving,
    SavingKind,
    SavingRealisation,
    SavingStatus,
)
from tracker.spend.models.scoped import EngagementScoped, MoneyScoped
from tracker.spend.models.work import (
    COUNTED,
    OPEN,
    Activity,
    AssignedBy,
    Cadence,
    OversightLog,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)

__all__ = [
    "BY_PEOPLE",
    "CODES",
    "COUNTED",
    "LETS_GO",
    "OPEN",
    "TAKES_BACK",
    "Activity",
    "AssignedBy",
    "Basis",
    "Cadence",
    "EngagementScoped",
    "ExceptionState",
    "ExchangeRate",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceSource",
    "InvoiceStatus",
    "LedgerEntry",
    "LineUnit",
    "MatchException",
    "MoneyScoped",
    "MonthlySpend",
    "OrderChange",
    "OrderCoverage",
    "OrderStatus",
    "OversightLog",
    "Payment",
    "PurchaseOrder",
    "RateOrigin",
    "Resolution",
    "Saving",
    "SavingKind",
    "SavingRealisation",
    "SavingStatus",
    "Settlement",
    "SourceType",
    "Timesheet",
    "TimesheetStatus",
    "WorkLog",
]
