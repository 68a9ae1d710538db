"""How an invoice comes in: as a draft that may change, then received and posted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import OverBudgetError, WrongStateError
from engagements.models import Engagement, Event, User
from engagements.services.records import (
    bury,
    change_record,
    create_record,
    raise_version,
)
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services.budgets import warnings_of_bill
from tracker.spend.services.credited_lines import call_credited
from tracker.spend.services.daily_cap import within_daily_cap
from tracker.spend.services.invoice_checks import (
    check_bill,
    check_credit,
    hold_credited,
)
from tracker.spend.services.invoice_postings import post_lines
from tracker.spend.services.invoice_states import check_step
from tracker.spend.services.started import check_started

# Rows written in one statement.
_AT_ONCE = 1000


@dataclass(frozen=True)
class Bill:
    """An invoice with all of its lines, neither of them stored yet."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]


@transaction.atomic
def draft_invoice(
    *, invoice: Invoice, lines: Sequence[InvoiceLine], actor: User | None
) -> Invoice:
    """Store an invoice as a draft: it may change, and is no spend yet.

    Its lines need not sum to the total until it is received. Raises ValidationError
    by field; nothing is stored then.
    """
    _prepare(invoice, actor)
    create_record(record=invoice, event_type="invoice.drafted", actor=actor)
    _add_lines(invoice, lines, first_number=1)
    return invoice


@transaction.atomic
def change_draft(
    *,
    invoice: Invoice,
    lines: Sequence[InvoiceLine] = (),
    removed: Sequence[InvoiceLine] = (),
    expected_version: int | None = None,
    actor: User | None,
) -> Invoice:
    """Store a changed draft: its header, new or changed `lines`, without `removed`.

    Raises WrongStateError once it is received, ConflictError where somebody else
    changed it since, and ValidationError by field.
    """
    stored = _locked_draft(invoice)
    for name in _KEPT:
        setattr(invoice, name, getattr(stored, name))
    invoice.normalised_number = normalise_number(invoice.number)
    change_record(record=invoice, expected_version=expected_version, actor=actor)
    if not lines and not removed:
        return invoice
    InvoiceLine.objects.filter(
        invoice=stored, pk__in=[line.pk for line in removed]
    ).delete()
    for line in lines:
        if not line._state.adding:
            _check_is_of(line, stored)
            line.full_clean(exclude=["invoice"])
            line.save()
    highest = stored.lines.aggregate(highest=Max("number"))["highest"] or 0
    added = [line for line in lines if line._state.adding]
    _add_lines(invoice, added, first_number=highest + 1)
    if invoice.version == stored.version:
        raise_version(record=invoice)
    _tell_of_lines(invoice, lines, removed, actor)
    return invoice


# What a form must not carry over from the record that it was opened with.
_KEPT = ("status", "source", "received_by_id", "received_on", "dispute")


@transaction.atomic
def discard_draft(*, invoice: Invoice, actor: User | None) -> None:
    """Delete a draft with its lines; raises WrongStateError once it is received."""
    stored = _locked_draft(invoice)
    stored.lines.all().delete()
    for file in stored.attachments.values_list("file", flat=True):
        transaction.on_commit(partial(default_storage.delete, file))
    events.record(
        event_type="invoice.discarded",
        subject=stored,
        changes={"number": [stored.number, None]},
        actor=actor,
    )
    bury([stored])
    stored.delete()


@within_daily_cap()
def receive_invoice(
    *, invoice: Invoice, received_on: date | None = None, actor: User | None
) -> Invoice:
    """Post a draft: from now on it is spend, and stays as it is.

    Raises WrongStateError unless it is a draft, ValidationError by field where its
    lines don't make it up: see `check_bill`, `check_credit` and `check_started`.
    """
    stored = _locked_draft(invoice)
    check_step(stored, InvoiceStatus.RECEIVED)
    lines = list(stored.lines.select_related("engagement").order_by("number"))
    _check(stored, lines)
    before = copy(stored)
    stored.status = InvoiceStatus.RECEIVED
    stored.received_on = received_on or stored.received_on or timezone.localdate()
    _check_received_on(stored)
    stored.version += 1
    stored.full_clean()
    stored.save()
    for line in lines:
        line.invoice = stored
    call_credited([stored])
    post_lines(lines)
    events.record(
        event_type="invoice.received",
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    _tell_engagements(lines, actor)
    return stored


def money_told_of(*, invoice: Invoice) -> list[str]:
    """Return what the budgets say of an invoice, refusals among it; nothing is kept.

    A draft is looked at as if it were received. Raises what `receive_invoice` raises
    but for the money.
    """
    lines = invoice.lines.all()
    if invoice.status != InvoiceStatus.DRAFT:
        return warnings_of_bill(lines)
    try:
        with transaction.atomic():
            receive_invoice(invoice=invoice, actor=None)
            told = warnings_of_bill(lines)
            transaction.set_rollback(True)
    except OverBudgetError as refusal:
        return [str(refusal)]
    return told


@within_daily_cap()
def post_invoice(
    *, invoice: Invoice, lines: Sequence[InvoiceLine], actor: User | None
) -> Invoice:
    """Store an invoice with its lines and receive it at once.

    Raises ValidationError by field as `receive_invoice` does, and OverBudgetError
    where a budget stops it; nothing is stored then.
    """
    _prepare(invoice, actor)
    _check(invoice, lines)
    invoice.full_clean()
    for number, line in enumerate(lines, 1):
        line.number = number
        line.full_clean(exclude=["invoice"])
    post_invoices(bills=[Bill(invoice, lines)], actor=actor)
    return invoice


@within_daily_cap()
def post_invoices(*, bills: Sequence[Bill], actor: User | None) -> list[Invoice]:
    """Store many invoices with their lines and receive them, in a few statements.

    The caller has validated the fields, each line's engagement being of the vendor
    and in the currency. Raises ValidationError for what a credit note or an
    engagement does not allow, and what the database refuses: all of it is left out.
    """
    for bill in bills:
        _prepare(bill.invoice, actor)
        bill.invoice.received_on = bill.invoice.received_on or timezone.localdate()
    hold_credited(bill.invoice for bill in bills)
    stored = Invoice.objects.bulk_create(
        [bill.invoice for bill in bills], batch_size=_AT_ONCE
    )
    lines = [line for bill in bills for line in _numbered(bill)]
    check_started([line.engagement_id for line in lines])
    InvoiceLine.objects.bulk_create(lines, batch_size=_AT_ONCE)
    for bill in bills:
        check_credit(bill.invoice, bill.lines)
    _receive_all(stored)
    call_credited(stored)
    post_lines(lines)
    events.record_all(
        events.draft(
            event_type="invoice.received",
            subject=invoice,
            changes=events.difference(None, invoice),
            actor=actor,
        )
        for invoice in stored
    )
    _tell_engagements(lines, actor)
    return stored


def _prepare(invoice: Invoice, actor: User | None) -> None:
    invoice.normalised_number = normalise_number(invoice.number)
    invoice.status = InvoiceStatus.DRAFT
    invoice.received_by = actor


def _numbered(bill: Bill) -> Iterator[InvoiceLine]:
    for number, line in enumerate(bill.lines, 1):
        line.invoice, line.number = bill.invoice, number
        yield line


def _receive_all(invoices: Sequence[Invoice]) -> None:
    for start in range(0, len(invoices), _AT_ONCE):
        ids = [invoice.pk for invoice in invoices[start : start + _AT_ONCE]]
        Invoice.objects.filter(pk__in=ids).update(status=InvoiceStatus.RECEIVED)
    for invoice in invoices:
        invoice.status = InvoiceStatus.RECEIVED


def _check(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    check_bill(invoice, lines)
    check_credit(invoice, lines)
    check_started([line.engagement_id for line in lines])


def _check_received_on(invoice: Invoice) -> None:
    if invoice.received_on and invoice.received_on > timezone.localdate():
        raise ValidationError({"received_on": _("That day is still to come.")})


def _locked_draft(invoice: Invoice) -> Invoice:
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if stored.status != InvoiceStatus.DRAFT:
        raise WrongStateError(
            _(
                "Invoice %(number)s is %(status)s: it stays as it is. A credit note"
                " corrects it."
            )
            % {
                "number": stored.number,
                "status": stored.get_status_display().lower(),
            }
        )
    return stored


def _check_is_of(line: InvoiceLine, invoice: Invoice) -> None:
    if not InvoiceLine.objects.filter(pk=line.pk, invoice=invoice).exists():
        raise ValidationError({"lines": _("A line belongs to another invoice.")})


def _add_lines(
    invoice: Invoice, lines: Iterable[InvoiceLine], *, first_number: int
) -> None:
    for number, line in enumerate(lines, first_number):
        line.invoice, line.number = invoice, number
        line.full_clean(exclude=["invoice"])
        line.save()


def _tell_of_lines(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    removed: Sequence[InvoiceLine],
    actor: User | None,
) -> None:
    told = {f"line {line.number}": [None, events.plain(line.amount)] for line in lines}
    gone = {
        f"line {line.number}": [events.plain(line.amount), None] for line in removed
    }
    events.record(
        event_type="invoice.lines_changed",
        subject=invoice,
        changes=told | gone,
        actor=actor,
    )


def _tell_engagements(lines: Sequence[InvoiceLine], actor: User | None) -> None:
    """Record one event for each engagement of each invoice, with what it came to."""
    billed: dict[tuple[int, int], list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        billed[line.invoice_id, line.engagement_id].append(line)
    events.record_all(
        _billed(group[0].invoice, group[0].engagement, group, actor)
        for group in billed.values()
    )


def _billed(
    invoice: Invoice,
    engagement: Engagement,
    lines: Sequence[InvoiceLine],
    actor: User | None,
) -> Event:
    amount = sum((line.amount for line in lines), Decimal(0))
    return events.draft(
        event_type="engagement.invoiced",
        subject=engagement,
        changes={
            "invoice": [None, invoice.number],
            "lines": [None, len(lines)],
            "amount": [None, events.plain(amount)],
            "currency": [None, invoice.currency],
        },
        engagement=engagement,
        actor=actor,
    )
