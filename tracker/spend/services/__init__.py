from tracker.spend.services.benchmarks import (
    choose_benchmark,
    drop_benchmark,
    store_benchmarks,
)
from tracker.spend.services.budgets import (
    check_posted,
    refresh_crossings,
    set_budget,
    set_budget_policy,
)
from tracker.spend.services.final_invoice import settle_final_invoice
from tracker.spend.services.invoices import post_invoice, settle_invoice
from tracker.spend.services.ledger import Posting, post, reverse
from tracker.spend.services.payments import post_payments
from tracker.spend.services.rates import (
    RatesNotReadError,
    change_rate,
    record_rate,
    refresh_rates,
)
from tracker.spend.services.timesheets import (
    approve_timesheet,
    enter_hours,
    mark_invoiced,
    reject_timesheet,
    start_timesheet,
    submit_timesheet,
)
from tracker.spend.services.verification import (
    LedgerMismatchError,
    Verification,
    verify_ledger,
)
from tracker.spend.services.work import (
    log_oversight,
    log_oversight_month,
    log_work,
    log_work_lines,
)

__all__ = [
    "LedgerMismatchError",
    "Posting",
    "RatesNotReadError",
    "Verification",
    "approve_timesheet",
    "change_rate",
    "check_posted",
    "choose_benchmark",
    "drop_benchmark",
    "enter_hours",
    "log_oversight",
    "log_oversight_month",
    "log_work",
    "log_work_lines",
    "mark_invoiced",
    "post",
    "post_invoice",
    "post_payments",
    "record_rate",
    "refresh_crossings",
    "refresh_rates",
    "reject_timesheet",
    "reverse",
    "set_budget",
    "set_budget_policy",
    "settle_final_invoice",
    "settle_invoice",
    "start_timesheet",
    "store_benchmarks",
    "submit_timesheet",
    "verify_ledger",
]
