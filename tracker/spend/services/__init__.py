from tracker.spend.services.final_invoice import settle_final_invoice
from tracker.spend.services.invoice_states import dispute_invoice, mark_matched
from tracker.spend.services.invoices import post_invoice, settle_invoice
from tracker.spend.services.ledger import Posting, post, reverse
from tracker.spend.services.match import (
    Matched,
    match_invoices,
    match_open,
    match_received,
    resolve_exception,
    resolve_exceptions,
)
from tracker.spend.services.payments import post_payments
from tracker.spend.services.purchase_orders import (
    Watched,
    change_order,
    check_orders_hold,
    close_order,
    cover_engagements,
    record_order,
    watch_orders,
)
from tracker.spend.services.rates import (
    RatesNotReadError,
    change_rate,
    record_rate,
    refresh_rates,
)
from tracker.spend.services.savings import (
    BroughtUp,
    bring_savings_up,
    claim_saving,
    withdraw_saving,
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
    "BroughtUp",
    "LedgerMismatchError",
    "Matched",
    "Posting",
    "RatesNotReadError",
    "Verification",
    "Watched",
    "approve_timesheet",
    "bring_savings_up",
    "change_order",
    "change_rate",
    "check_orders_hold",
    "claim_saving",
    "close_order",
    "cover_engagements",
    "dispute_invoice",
    "enter_hours",
    "log_oversight",
    "log_oversight_month",
    "log_work",
    "log_work_lines",
    "mark_invoiced",
    "mark_matched",
    "match_invoices",
    "match_open",
    "match_received",
    "post",
    "post_invoice",
    "post_payments",
    "record_order",
    "record_rate",
    "refresh_rates",
    "reject_timesheet",
    "resolve_exception",
    "resolve_exceptions",
    "reverse",
    "settle_final_invoice",
    "settle_invoice",
    "start_timesheet",
    "submit_timesheet",
    "verify_ledger",
    "watch_orders",
    "withdraw_saving",
]
