"""Which payments of a file pay for recorded invoices, and so are no spend again.

An invoice is spend since it was received. A payment pays for it where vendor, currency
and amount are the same, and either the payment bears the invoice's number, or it was
made within the months after its issue and nothing else could be meant: one such
invoice, one such payment. Whatever is doubtful is left to be counted as a payment, and
said.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from tracker.imports.payment_lines import PaymentLine
from tracker.imports.payment_matching import KeyedLine
from tracker.imports.performance_kinds import batches
from tracker.imports.problems import Note
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import Invoice, InvoiceKind, InvoiceStatus

PAID_WITHIN = timedelta(days=120)

# Vendor, currency and amount.
Owed = tuple[int, str, Decimal]


class Paying(NamedTuple):
    """A payment with the invoice that it pays for."""

    keyed: KeyedLine
    invoice: Invoice


@dataclass(frozen=True)
class Paid:
    """The lines of a file: those that pay for an invoice, and all the others."""

    paying: list[Paying]
    others: list[KeyedLine]
    notes: list[Note]


def find_paid(lines: Sequence[KeyedLine], vendor_ids: Mapping[str, int]) -> Paid:
    """Tell the lines apart; `vendor_ids` is by the supplier's name as written."""
    open_invoices = _open_invoices(set(vendor_ids.values()))
    if not open_invoices:
        return Paid([], list(lines), [])
    taken: dict[str, Invoice] = {}
    _by_number(lines, vendor_ids, open_invoices, taken)
    doubtful = _by_amount(lines, vendor_ids, open_invoices, taken)
    paying = [Paying(n, taken[n.source_key]) for n in lines if n.source_key in taken]
    others = [keyed for keyed in lines if keyed.source_key not in taken]
    notes = [
        Note(
            one.keyed.line.number,
            f"pays for invoice {one.invoice.number}, which counts already",
        )
        for one in paying
    ]
    notes += [
        Note(
            keyed.line.number,
            f"may pay for {_names(invoices)}: which isn't certain, so that it is"
            " counted as a payment; look at it",
        )
        for keyed, invoices in doubtful
    ]
    return Paid(paying, others, notes)


def _names(invoices: Sequence[Invoice]) -> str:
    return ", ".join(invoice.number for invoice in invoices[:5])


def _open_invoices(vendor_ids: set[int]) -> dict[Owed, list[Invoice]]:
    """Return posted invoices that no payment was found for, by what is owed."""
    found: dict[Owed, list[Invoice]] = defaultdict(list)
    for part in batches(sorted(vendor_ids)):
        invoices = (
            Invoice.objects.filter(
                vendor_id__in=part, kind=InvoiceKind.INVOICE, payments=None
            )
            .exclude(status=InvoiceStatus.DRAFT)
            .order_by("issued_on", "id")
        )
        credited = dict(
            Invoice.objects.filter(vendor_id__in=part, credits__isnull=False)
            .exclude(status=InvoiceStatus.DRAFT)
            .order_by()
            .values_list("credits")
            .annotate(sum=Sum("total"))
        )
        for invoice in invoices:
            owed = invoice.total + credited.get(invoice.pk, Decimal(0))
            if owed > 0:
                found[invoice.vendor_id, invoice.currency, owed].append(invoice)
    return found


def _owed(
    line: PaymentLine,
    vendor_ids: Mapping[str, int],
    open_invoices: Mapping[Owed, list[Invoice]],
) -> list[Invoice]:
    vendor_id = vendor_ids.get(line.supplier_name)
    if vendor_id is None:
        return []
    return open_invoices.get((vendor_id, line.currency, line.amount), [])


def _by_number(
    lines: Sequence[KeyedLine],
    vendor_ids: Mapping[str, int],
    open_invoices: Mapping[Owed, list[Invoice]],
    taken: dict[str, Invoice],
) -> None:
    for keyed in lines:
        number = normalise_number(keyed.line.transaction_number)
        for invoice in _owed(keyed.line, vendor_ids, open_invoices):
            is_free = invoice not in taken.values()
            if number and number == invoice.normalised_number and is_free:
                taken[keyed.source_key] = invoice


def _by_amount(
    lines: Sequence[KeyedLine],
    vendor_ids: Mapping[str, int],
    open_invoices: Mapping[Owed, list[Invoice]],
    taken: dict[str, Invoice],
) -> list[tuple[KeyedLine, list[Invoice]]]:
    """Add what can only be meant; return what could be, with the invoices."""
    named = {invoice.pk for invoice in taken.values()}
    possible: list[tuple[KeyedLine, list[Invoice]]] = []
    wanted: dict[int, int] = defaultdict(int)
    for keyed in lines:
        if keyed.source_key in taken or keyed.line.is_undated:
            continue
        fitting = [
            invoice
            for invoice in _owed(keyed.line, vendor_ids, open_invoices)
            if invoice.pk not in named and _is_in_time(invoice, keyed.line)
        ]
        if fitting:
            possible.append((keyed, fitting))
        for invoice in fitting:
            wanted[invoice.pk] += 1
    doubtful = []
    for keyed, fitting in possible:
        if len(fitting) == 1 and wanted[fitting[0].pk] == 1:
            taken[keyed.source_key] = fitting[0]
        else:
            doubtful.append((keyed, fitting))
    return doubtful


def _is_in_time(invoice: Invoice, line: PaymentLine) -> bool:
    last = max(invoice.issued_on, invoice.due_on or invoice.issued_on) + PAID_WITHIN
    if invoice.paid_on is not None:
        return invoice.paid_on == line.paid_on
    return invoice.issued_on <= line.paid_on <= last
