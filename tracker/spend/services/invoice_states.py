"""The steps of an invoice after it is received: matched, disputed, approved, paid."""

from copy import copy
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Engagement, Event, User
from engagements.permissions import roles_of
from tracker.spend.hours import has_logged_what_is_billed
from tracker.spend.models import Invoice, InvoiceStatus

# From each status, the statuses that a service brings about. Only what was matched is
# approved, and only what is approved is paid. A dispute is resolved by a match (the
# exceptions are explained) or re-opened to be compared anew; it may arise even after
# the approval, which it withdraws.
STEPS: dict[str, frozenset[str]] = {
    InvoiceStatus.DRAFT: frozenset({InvoiceStatus.RECEIVED}),
    InvoiceStatus.RECEIVED: frozenset({InvoiceStatus.MATCHED, InvoiceStatus.DISPUTED}),
    InvoiceStatus.MATCHED: frozenset({InvoiceStatus.APPROVED, InvoiceStatus.DISPUTED}),
    InvoiceStatus.DISPUTED: frozenset({InvoiceStatus.RECEIVED, InvoiceStatus.MATCHED}),
    InvoiceStatus.APPROVED: frozenset({InvoiceStatus.PAID, InvoiceStatus.DISPUTED}),
    InvoiceStatus.PAID: frozenset(),
}
# Who may say that an invoice is right, or wrong.
CHECKERS = frozenset({Role.MANAGER, Role.FINANCE, Role.ADMINISTRATOR})
# Who may approve an invoice, and say that it was paid.
APPROVERS = frozenset({Role.FINANCE, Role.ADMINISTRATOR})
# By these somebody made the invoice what it is.
MAKING = (
    "invoice.drafted",
    "invoice.changed",
    "invoice.lines_changed",
    "invoice.received",
    "invoice.posted",
)


@transaction.atomic
def mark_matched(*, invoice: Invoice, actor: User | None) -> Invoice:
    """Record that the invoice is what was agreed, worked and ordered.

    Without an actor the product itself compared it. Raises WrongStateError unless it
    is received or disputed.
    """
    _check_checker(actor)
    stored = _locked(invoice, InvoiceStatus.MATCHED)
    return _take(stored, "invoice.matched", actor, dispute="")


@transaction.atomic
def dispute_invoice(*, invoice: Invoice, reason: str, actor: User | None) -> Invoice:
    """Hold the invoice back, with the reason; an approval is withdrawn.

    Raises WrongStateError for a draft and for what is paid, and ValidationError
    without a reason.
    """
    _check_checker(actor)
    if not reason.strip():
        raise ValidationError({"dispute": _("Say why it is disputed.")})
    stored = _locked(invoice, InvoiceStatus.DISPUTED)
    return _take(
        stored,
        "invoice.disputed",
        actor,
        dispute=reason.strip(),
        approved_by=None,
        approved_at=None,
    )


@transaction.atomic
def reopen_invoice(*, invoice: Invoice, actor: User | None) -> Invoice:
    """Take the dispute back: the invoice is to be compared anew."""
    _check_checker(actor)
    stored = _locked(invoice, InvoiceStatus.RECEIVED)
    if stored.status != InvoiceStatus.DISPUTED:
        raise _wrong_step(stored, InvoiceStatus.RECEIVED)
    return _take(stored, "invoice.reopened", actor, dispute="")


@transaction.atomic
def approve_invoice(
    *, invoice: Invoice, approved_at: datetime | None = None, actor: User
) -> Invoice:
    """Release the invoice for payment; `approved_at` where that was earlier than now.

    Raises NotAllowedError unless `actor` is of finance or an administrator, and for
    whoever recorded, changed or received it, or logged hours without a timesheet that
    it bills, superusers included; WrongStateError unless it is matched.
    """
    if not roles_of(actor) & APPROVERS:
        raise NotAllowedError(_("Finance approves invoices."))
    stored = _locked(invoice, InvoiceStatus.APPROVED)
    if is_maker(stored, actor):
        raise NotAllowedError(_("Nobody approves an invoice they recorded."))
    if has_logged_what_is_billed(stored.pk, actor):
        raise NotAllowedError(
            _(
                "It bills hours that you logged without a timesheet: somebody else"
                " approves it."
            )
        )
    return _take(
        stored,
        "invoice.approved",
        actor,
        approved_by=actor,
        approved_at=approved_at or timezone.now(),
    )


@transaction.atomic
def settle_invoice(*, invoice: Invoice, paid_on: date, actor: User) -> Invoice:
    """Record that an invoice was paid on a day.

    Raises NotAllowedError unless `actor` is of finance or an administrator,
    WrongStateError unless it is approved, and ValidationError for a day before its
    issue or to come.
    """
    if not roles_of(actor) & APPROVERS:
        raise NotAllowedError(_("Finance records what was paid."))
    stored = _locked(invoice, InvoiceStatus.PAID)
    _check_paid_on(stored, paid_on)
    return store_payment(stored, paid_on=paid_on, actor=actor)


def store_payment(stored: Invoice, *, paid_on: date, actor: User | None) -> Invoice:
    """Write that an approved invoice was paid; the caller holds its lock."""
    _take(stored, "invoice.paid", actor, paid_on=paid_on, paid_by=actor)
    _tell_of_payment(stored, actor)
    return stored


def is_maker(invoice: Invoice, person: User) -> bool:
    """Whether the person had a hand in what the invoice says."""
    if invoice.received_by_id == person.pk:
        return True
    made = Event.objects.filter(
        subject_type="invoice", subject_id=invoice.pk, event_type__in=MAKING
    )
    return made.filter(actor=person).exists()


def can_become(invoice: Invoice, status: InvoiceStatus) -> bool:
    return status in STEPS[invoice.status]


def check_step(invoice: Invoice, status: InvoiceStatus) -> None:
    """Raise WrongStateError where the table of steps has no such step."""
    if not can_become(invoice, status):
        raise _wrong_step(invoice, status)


def _wrong_step(invoice: Invoice, status: InvoiceStatus) -> WrongStateError:
    return WrongStateError(
        _("Invoice %(number)s is %(status)s and can't become %(wanted)s.")
        % {
            "number": invoice.number,
            "status": invoice.get_status_display().lower(),
            "wanted": status.label.lower(),
        }
    )


def _check_checker(actor: User | None) -> None:
    if actor is not None and not roles_of(actor) & CHECKERS:
        raise NotAllowedError(_("Managers and finance check invoices."))


def _locked(invoice: Invoice, wanted: InvoiceStatus) -> Invoice:
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    check_step(stored, wanted)
    return stored


_REACHED = {
    "invoice.matched": InvoiceStatus.MATCHED,
    "invoice.disputed": InvoiceStatus.DISPUTED,
    "invoice.reopened": InvoiceStatus.RECEIVED,
    "invoice.approved": InvoiceStatus.APPROVED,
    "invoice.paid": InvoiceStatus.PAID,
}


def _take(
    stored: Invoice, event_type: str, actor: User | None, **values: Any
) -> Invoice:
    before = copy(stored)
    stored.status = _REACHED[event_type]
    for name, value in values.items():
        setattr(stored, name, value)
    stored.version += 1
    # All else stays as it was when it was checked.
    kept = {field.name for field in stored._meta.fields} - {"status", *values}
    stored.full_clean(exclude=kept, validate_unique=False)
    stored.save()
    events.record(
        event_type=event_type,
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    return stored


def _check_paid_on(invoice: Invoice, paid_on: date) -> None:
    if paid_on > timezone.localdate():
        raise ValidationError(
            {"paid_on": _("It is recorded once it was paid, not ahead of it.")}
        )
    if paid_on < invoice.issued_on:
        raise ValidationError({"paid_on": _("It was not issued before that day.")})


def _tell_of_payment(invoice: Invoice, actor: User | None) -> None:
    lines = invoice.lines.values("engagement")
    events.record_all(
        events.draft(
            event_type="engagement.invoice_paid",
            subject=engagement,
            changes={"invoice": [None, invoice.number]},
            actor=actor,
        )
        for engagement in Engagement.objects.filter(pk__in=lines).order_by("pk")
    )
