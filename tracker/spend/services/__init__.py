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
from tracker.spend.services.verification import (
    LedgerMismatchError,
    Verification,
    verify_ledger,
)
from tracker.spend.services.work import log_oversight, log_work, log_work_lines

__all__ = [
    "LedgerMismatchError",
    "Posting",
    "RatesNotReadError",
    "Verification",
    "change_rate",
    "log_oversight",
    "log_work",
    "log_work_lines",
    "post",
    "post_invoice",
    "post_payments",
    "record_rate",
    "refresh_rates",
    "reverse",
    "settle_final_invoice",
    "settle_invoice",
    "verify_ledger",
]
