"""The steps of an invoice after it is received: matched or disputed."""

from copy import copy

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import WrongStateError
from engagements.models import User
from tracker.spend.models import Invoice, InvoiceStatus

CHECKED = (InvoiceStatus.RECEIVED, InvoiceStatus.MATCHED, InvoiceStatus.DISPUTED)


@transaction.atomic
def mark_matched(*, invoice: Invoice, actor: User | None) -> Invoice:
    """Record that the invoice is what was agreed, worked and ordered.

    Without an actor the product itself compared it. Raises WrongStateError unless it
    is received or disputed.
    """
    return _take(invoice, InvoiceStatus.MATCHED, "", actor)


@transaction.atomic
def dispute_invoice(*, invoice: Invoice, reason: str, actor: User | None) -> Invoice:
    """Hold the invoice back, with the reason.

    Raises WrongStateError for a draft and for what is approved or paid, and
    ValidationError without a reason.
    """
    if not reason.strip():
        raise ValidationError({"dispute": _("Say why it is disputed.")})
    return _take(invoice, InvoiceStatus.DISPUTED, reason.strip(), actor)


def _take(
    invoice: Invoice, status: InvoiceStatus, dispute: str, actor: User | None
) -> Invoice:
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if stored.status not in CHECKED or stored.status == status:
        raise WrongStateError(
            _("Invoice %(number)s is %(status)s and can't become %(wanted)s.")
            % {
                "number": stored.number,
                "status": stored.get_status_display().lower(),
                "wanted": status.label.lower(),
            }
        )
    before = copy(stored)
    stored.status = status
    stored.dispute = dispute
    stored.version += 1
    stored.full_clean()
    stored.save()
    is_matched = status == InvoiceStatus.MATCHED
    events.record(
        event_type="invoice.matched" if is_matched else "invoice.disputed",
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    return stored
