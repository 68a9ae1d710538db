"""Which lines posted credit notes have taken back in full."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from tracker.spend.credited import Share, are_credited
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus

_AT_ONCE = 500
POSTED = tuple(one for one in InvoiceStatus if one != InvoiceStatus.DRAFT)
# In these somebody agreed to what a note takes back.
RELEASED = (InvoiceStatus.APPROVED, InvoiceStatus.PAID)


def call_credited(notes: Iterable[Invoice]) -> None:
    """Say of each line that it is credited of which posted credit notes leave nothing.

    Its fee can be billed anew then. The caller holds the locks of what is credited.
    """
    credited = sorted({note.credits_id for note in notes if note.credits_id})
    for start in range(0, len(credited), _AT_ONCE):
        _call_credited(credited[start : start + _AT_ONCE])


def _call_credited(invoices: Collection[int]) -> None:
    found = _credited_by(invoices, taken_back_of(invoices))
    if found:
        InvoiceLine.objects.filter(pk__in=found, is_credited=False).update(
            is_credited=True
        )


def credited_for_good(invoices: Collection[int]) -> list[int]:
    """Return the lines of which approved credit notes leave nothing."""
    return _credited_by(invoices, taken_back_of(invoices, statuses=RELEASED))


def _credited_by(
    invoices: Collection[int], taken: Mapping[int, Sequence[Share]]
) -> list[int]:
    billed = defaultdict(list)
    for invoice, line, share in _lines_of(taken.keys() & set(invoices)):
        billed[invoice].append((line, share))
    return [
        line
        for invoice, lines in billed.items()
        for (line, _share), is_credited in zip(
            lines,
            are_credited([share for _line, share in lines], taken[invoice]),
            strict=True,
        )
        if is_credited
    ]


def _lines_of(invoices: Collection[int]) -> Iterable[tuple[int, int, Share]]:
    rows = InvoiceLine.objects.filter(invoice__in=invoices).order_by("pk")
    for invoice, line, *share in rows.values_list("invoice_id", "pk", *_SHARE):
        yield invoice, line, Share(*share)


def billed_on(invoices: Collection[int]) -> dict[int, list[Share]]:
    """Return what the lines of each invoice bill."""
    billed: dict[int, list[Share]] = defaultdict(list)
    for invoice, _line, share in _lines_of(invoices):
        billed[invoice].append(share)
    return billed


def taken_back_of(
    invoices: Collection[int], statuses: Collection[str] = POSTED
) -> dict[int, list[Share]]:
    """Return by invoice what posted credit notes took back of it."""
    taken: dict[int, list[Share]] = defaultdict(list)
    rows = InvoiceLine.objects.filter(
        invoice__credits__in=invoices, invoice__status__in=statuses
    ).order_by("pk")
    for invoice, *share in rows.values_list("invoice__credits_id", *_SHARE):
        if invoice is not None:
            taken[invoice].append(Share(*share))
    return taken


def share_of(line: InvoiceLine) -> Share:
    return Share(*(getattr(line, name) for name in _SHARE))


_SHARE = ("engagement_id", "charge_kind", "period_from", "period_to", "amount")
