from tracker.spend.services.invoices import post_invoice
from tracker.spend.services.ledger import Posting, post, reverse
from tracker.spend.services.payments import post_payments
from tracker.spend.services.verification import (
    LedgerMismatchError,
    Verification,
    verify_ledger,
)
from tracker.spend.services.work import log_oversight, log_work, log_work_lines

__all__ = [
    "LedgerMismatchError",
    "Posting",
    "Verification",
    "log_oversight",
    "log_work",
    "log_work_lines",
    "post",
    "post_invoice",
    "post_payments",
    "reverse",
    "verify_ledger",
]
