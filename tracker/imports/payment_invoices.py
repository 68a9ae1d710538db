"""Which payments of a file pay for recorded invoices, and so are no spend again.

An invoice is spend since it was received. A payment pays for it where vendor, currency
and amount are the same, and either the payment bears the invoice's number, or it was
made within the months after its issue and nothing else could be meant: one such
invoice, one such payment. Whatever is doubtful is left to be counted as a payment, and
said.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from tracker.imports.payment_lines import PaymentLine
from tracker.imports.performance_kinds import batches
from tracker.imports.problems import Note
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import Invoice, InvoiceKind, InvoiceStatus

PAID_WITHIN = timedelta(days=120)

# Vendor, currency and amount.
Owed = tuple[int, str, Decimal]


class Paying(NamedTuple):
    """A payment, by its position among the lines, with the invoice it pays for."""

    place: int
    invoice: Invoice


@dataclass(frozen=True)
class Paid:
    paying: list[Paying]
    notes: list[Note]


class Candidate(NamedTuple):
    """A payment with the invoices of its vendor for which as much is owed."""

    place: int
    line: PaymentLine
    invoices: list[Invoice]


def find_paid(
    lines: Iterable[tuple[int, PaymentLine]], vendor_ids: Mapping[str, int]
) -> Paid:
    """Find what pays for an invoice among lines that come with their positions.

    `vendor_ids` is by the supplier's name as written.
    """
    open_invoices = _open_invoices(set(vendor_ids.values()))
    if not open_invoices:
        return Paid([], [])
    candidates = [
        Candidate(place, line, invoices)
        for place, line in lines
        if (invoices := _owed(line, vendor_ids, open_invoices))
    ]
    taken = _by_number(candidates)
    doubtful = _by_amount(candidates, taken)
    notes = [
        Note(
            candidate.line.number,
            f"pays for invoice {taken[candidate.place].number}, which counts already",
        )
        for candidate in candidates
        if candidate.place in taken
    ]
    notes += [
        Note(
            candidate.line.number,
            f"may pay for {_names(candidate.invoices)}: which isn't certain, so that"
            " it is counted as a payment; look at it",
        )
        for candidate in doubtful
    ]
    return Paid([Paying(place, taken[place]) for place in sorted(taken)], notes)


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


def _by_number(candidates: Sequence[Candidate]) -> dict[int, Invoice]:
    """Return what bears the number of its invoice, by position."""
    taken: dict[int, Invoice] = {}
    named: set[int] = set()
    for place, line, invoices in candidates:
        number = normalise_number(line.transaction_number)
        for invoice in invoices:
            is_free = invoice.pk not in named
            if number and number == invoice.normalised_number and is_free:
                taken[place] = invoice
                named.add(invoice.pk)
    return taken


def _by_amount(
    candidates: Sequence[Candidate], taken: dict[int, Invoice]
) -> list[Candidate]:
    """Add what can only be meant; return what could be, with the invoices."""
    named = {invoice.pk for invoice in taken.values()}
    possible: list[Candidate] = []
    wanted: dict[int, int] = defaultdict(int)
    for place, line, invoices in candidates:
        if place in taken or line.is_undated:
            continue
        fitting = [
            invoice
            for invoice in invoices
            if invoice.pk not in named and _is_in_time(invoice, line)
        ]
        if fitting:
            possible.append(Candidate(place, line, fitting))
        for invoice in fitting:
            wanted[invoice.pk] += 1
    doubtful = []
    for candidate in possible:
        invoice = candidate.invoices[0]
        if len(candidate.invoices) == 1 and wanted[invoice.pk] == 1:
            taken[candidate.place] = invoice
        else:
            doubtful.append(candidate)
    return doubtful


def _is_in_time(invoice: Invoice, line: PaymentLine) -> bool:
    last = max(invoice.issued_on, invoice.due_on or invoice.issued_on) + PAID_WITHIN
    if invoice.paid_on is not None:
        return invoice.paid_on == line.paid_on
    return invoice.issued_on <= line.paid_on <= last
