from tracker.spend.services.attachments import (
    attach_examined,
    attach_file,
    record_download,
    remove_attachment,
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
from tracker.spend.services.payments import post_payments, record_invoice_payment
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
    "Bill",
    "LedgerMismatchError",
    "Posting",
    "RatesNotReadError",
    "Verification",
    "approve_invoice",
    "attach_examined",
    "attach_file",
    "change_draft",
    "change_rate",
    "discard_draft",
    "dispute_invoice",
    "draft_invoice",
    "log_oversight",
    "log_work",
    "log_work_lines",
    "mark_matched",
    "post",
    "post_invoice",
    "post_invoices",
    "post_payments",
    "receive_invoice",
    "record_download",
    "record_invoice_payment",
    "record_rate",
    "refresh_rates",
    "remove_attachment",
    "reopen_invoice",
    "reverse",
    "settle_final_invoice",
    "settle_invoice",
    "verify_ledger",
]
