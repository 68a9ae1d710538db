from tracker.spend.services.accruals import (
    AccrualRun,
    AccruedEngagement,
    MonthClosedError,
    MonthNotOverError,
    accrue,
)
from tracker.spend.services.approved_invoices import close_billed_timesheets
from tracker.spend.services.attachments import (
    attach_examined,
    attach_file,
    record_download,
    remove_attachment,
)
from tracker.spend.services.benchmarks import (
    choose_benchmark,
    drop_benchmark,
    store_benchmarks,
)
from tracker.spend.services.bill_look import BillLook
from tracker.spend.services.budgets import (
    BudgetsLookedAt,
    check_posted,
    refresh_crossings,
    set_budget,
    set_budget_policy,
    warnings_of_bill,
    warnings_of_order,
)
from tracker.spend.services.daily_cap import (
    DailyCapError,
    beyond_cap,
    posted_on,
)
from tracker.spend.services.final_invoice import settle_final_invoice
from tracker.spend.services.invoice_states import (
    approve_invoice,
    dispute_invoice,
    mark_matched,
    reopen_invoice,
    settle_invoice,
)
from tracker.spend.services.invoices import (
    Bill,
    change_draft,
    discard_draft,
    draft_invoice,
    post_invoice,
    post_invoices,
    receive_invoice,
)
from tracker.spend.services.ledger import Posting, post, reverse
from tracker.spend.services.match import (
    Matched,
    match_invoices,
    match_open,
    match_received,
    resolve_exception,
    resolve_exceptions,
)
from tracker.spend.services.month_checklist import (
    ChecklistItem,
    MonthChecklist,
    month_checklist,
)
from tracker.spend.services.month_close import (
    MonthClosing,
    MonthObstacle,
    before_closing_month,
    close_month,
    may_close_months,
    month_obstacles,
    month_to_close,
    reopen_month,
)
from tracker.spend.services.month_end import MonthEnd, end_month
from tracker.spend.services.payments import post_payments, record_invoice_payment
from tracker.spend.services.purchase_orders import (
    Watched,
    change_order,
    check_orders_hold,
    close_order,
    cover_engagements,
    engagements_of,
    record_order,
    watch_orders,
)
from tracker.spend.services.rates import (
    RatesNotReadError,
    change_rate,
    record_rate,
    refresh_rates,
    tell_old_rates,
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
    reject_timesheet,
    start_timesheet,
    submit_timesheet,
)
from tracker.spend.services.totals import rebuild_roll_ups, refresh_totals
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
    "AccrualRun",
    "AccruedEngagement",
    "Bill",
    "BillLook",
    "BroughtUp",
    "BudgetsLookedAt",
    "ChecklistItem",
    "DailyCapError",
    "LedgerMismatchError",
    "Matched",
    "MonthChecklist",
    "MonthClosedError",
    "MonthClosing",
    "MonthEnd",
    "MonthNotOverError",
    "MonthObstacle",
    "Posting",
    "RatesNotReadError",
    "Verification",
    "Watched",
    "accrue",
    "approve_invoice",
    "approve_timesheet",
    "attach_examined",
    "attach_file",
    "before_closing_month",
    "beyond_cap",
    "bring_savings_up",
    "change_draft",
    "change_order",
    "change_rate",
    "check_orders_hold",
    "check_posted",
    "choose_benchmark",
    "claim_saving",
    "close_billed_timesheets",
    "close_month",
    "close_order",
    "cover_engagements",
    "discard_draft",
    "dispute_invoice",
    "draft_invoice",
    "drop_benchmark",
    "end_month",
    "engagements_of",
    "enter_hours",
    "log_oversight",
    "log_oversight_month",
    "log_work",
    "log_work_lines",
    "mark_matched",
    "match_invoices",
    "match_open",
    "match_received",
    "may_close_months",
    "month_checklist",
    "month_obstacles",
    "month_to_close",
    "post",
    "post_invoice",
    "post_invoices",
    "post_payments",
    "posted_on",
    "rebuild_roll_ups",
    "receive_invoice",
    "record_download",
    "record_invoice_payment",
    "record_order",
    "record_rate",
    "refresh_crossings",
    "refresh_rates",
    "refresh_totals",
    "reject_timesheet",
    "remove_attachment",
    "reopen_invoice",
    "reopen_month",
    "resolve_exception",
    "resolve_exceptions",
    "reverse",
    "set_budget",
    "set_budget_policy",
    "settle_final_invoice",
    "settle_invoice",
    "start_timesheet",
    "store_benchmarks",
    "submit_timesheet",
    "tell_old_rates",
    "verify_ledger",
    "warnings_of_bill",
    "warnings_of_order",
    "watch_orders",
    "withdraw_saving",
]
