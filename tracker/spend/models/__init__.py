from tracker.spend.models.benchmark import (
    BenchmarkRate,
    BenchmarkSet,
    RoleBenchmark,
)
from tracker.spend.models.budget import (
    Budget,
    BudgetAction,
    BudgetCrossing,
    BudgetMonth,
    BudgetPolicy,
    budget_scope,
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
from tracker.spend.models.ledger import Basis, LedgerEntry, MonthlySpend, SourceType
from tracker.spend.models.payment import Payment
from tracker.spend.models.rate import ExchangeRate, RateOrigin
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
    "COUNTED",
    "OPEN",
    "Activity",
    "AssignedBy",
    "Basis",
    "BenchmarkRate",
    "BenchmarkSet",
    "Budget",
    "BudgetAction",
    "BudgetCrossing",
    "BudgetMonth",
    "BudgetPolicy",
    "Cadence",
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
    "MonthlySpend",
    "OversightLog",
    "Payment",
    "RateOrigin",
    "RoleBenchmark",
    "Settlement",
    "SourceType",
    "Timesheet",
    "TimesheetStatus",
    "WorkLog",
    "budget_scope",
]
