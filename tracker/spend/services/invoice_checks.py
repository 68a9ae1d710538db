"""What an invoice has to be before it is posted."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _

from engagements.values.money import format_money
from tracker.spend.credited import left_of_engagements
from tracker.spend.models import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from tracker.spend.services.credited_lines import (
    billed_on,
    share_of,
    taken_back_of,
)

NOTHING = Decimal(0)


def check_bill(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise ValidationError by field unless the lines make up the invoice.

    There is at least one, they sum to the total exactly, and each is for an
    engagement of the vendor, in the invoice's currency.
    """
    if not lines:
        raise ValidationError({"lines": _("An invoice has at least one line.")})
    total = sum((line.amount for line in lines), NOTHING)
    if total != invoice.total:
        raise ValidationError(
            {
                "total": _("The lines sum to %(lines)s, the total says %(total)s.")
                % {"lines": total, "total": invoice.total}
            }
        )
    for number, line in enumerate(lines, 1):
        _check_line(invoice, number, line)


def _check_line(invoice: Invoice, number: int, line: InvoiceLine) -> None:
    engagement = line.engagement
    if engagement.vendor_id != invoice.vendor_id:
        sentence = _("Line %(number)s: %(reference)s is with another vendor.")
        told = {"number": number, "reference": engagement.reference}
        raise ValidationError({"engagement": sentence % told})
    if engagement.currency != invoice.currency:
        sentence = _(
            "Line %(number)s: %(reference)s is in %(currency)s, the invoice in"
            " %(found)s."
        )
        told = {
            "number": number,
            "reference": engagement.reference,
            "currency": engagement.currency,
            "found": invoice.currency,
        }
        raise ValidationError({"currency": sentence % told})


def check_credit(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise ValidationError unless a credit note takes back what was billed.

    It names a posted invoice of the vendor, in its currency; every line is negative
    and for an engagement of that invoice, and together they are no more than what
    earlier credit notes left of it: of the whole, of each engagement, and of the tax.
    The credited invoice stays locked, so that two credit notes can't both take the
    rest.
    """
    if invoice.kind != InvoiceKind.CREDIT_NOTE:
        return
    if invoice.credits_id is None:
        raise ValidationError({"credits": _("Say which invoice it credits.")})
    credited = Invoice.objects.select_for_update().get(pk=invoice.credits_id)
    for fault in _faults_of_credit(invoice, credited, lines):
        raise ValidationError(fault)


def hold_credited(notes: Iterable[Invoice]) -> None:
    """Hold the invoices that notes credit, before a note that names one is stored.

    Two who stored theirs first would each wait for the other.
    """
    ids = {note.credits_id for note in notes if note.credits_id is not None}
    if ids:
        rows = Invoice.objects.filter(pk__in=ids).order_by("pk")
        list(rows.select_for_update().values_list("pk", flat=True))


def _faults_of_credit(
    invoice: Invoice, credited: Invoice, lines: Sequence[InvoiceLine]
) -> Iterator[dict[str, str]]:
    if credited.status == InvoiceStatus.DRAFT:
        yield {"credits": _("That invoice is a draft: change it instead.")}
    if credited.kind == InvoiceKind.CREDIT_NOTE:
        yield {"credits": _("That is a credit note: name the invoice itself.")}
    if credited.vendor_id != invoice.vendor_id:
        yield {"credits": _("That invoice is another vendor's.")}
    if credited.currency != invoice.currency:
        yield {
            "currency": _("Invoice %(number)s is in %(currency)s.")
            % {"number": credited.number, "currency": credited.currency}
        }
    if any(line.amount >= 0 for line in lines):
        yield {"lines": _("Each line of a credit note is negative.")}
    billed = set(credited.lines.values_list("engagement_id", flat=True))
    for number, line in enumerate(lines, 1):
        if line.engagement_id not in billed:
            sentence = _("Line %(line)s: %(number)s billed nothing for %(reference)s.")
            told = {
                "line": number,
                "number": credited.number,
                "reference": line.engagement.reference,
            }
            yield {"engagement": sentence % told}
    left = left_of(credited)
    if -invoice.total > left:
        sentence = _("Of invoice %(number)s %(left)s is left to credit, not %(asked)s.")
        told = {
            "number": credited.number,
            "left": format_money(left, credited.currency),
            "asked": format_money(-invoice.total, credited.currency),
        }
        yield {"total": sentence % told}
    yield from _too_much_of_one(credited, lines)


def _too_much_of_one(
    credited: Invoice, lines: Sequence[InvoiceLine]
) -> Iterator[dict[str, str]]:
    """Tell of an engagement, or the tax, of which more would be taken than is left."""
    billed = billed_on([credited.pk])[credited.pk]
    earlier = taken_back_of([credited.pk])[credited.pk]
    left = left_of_engagements(billed, earlier)
    now = left_of_engagements((), [share_of(line) for line in lines])
    references: dict[int | None, str] = {
        line.engagement_id: line.engagement.reference for line in lines
    }
    for engagement, amount in now.items():
        if -amount <= left[engagement]:
            continue
        told = {
            "number": credited.number,
            "reference": references.get(engagement, ""),
            "left": format_money(max(left[engagement], NOTHING), credited.currency),
            "asked": format_money(-amount, credited.currency),
        }
        sentence = (
            _(
                "Of the tax of invoice %(number)s %(left)s is left to credit, not"
                " %(asked)s."
            )
            if engagement is None
            else _(
                "Of what invoice %(number)s billed for %(reference)s %(left)s is left"
                " to credit, not %(asked)s. Tax is counted apart."
            )
        )
        yield {"lines": sentence % told}


def left_of(invoice: Invoice) -> Decimal:
    """Return what posted credit notes have left of the invoice's total."""
    notes = Invoice.objects.filter(credits=invoice.pk).exclude(
        status=InvoiceStatus.DRAFT
    )
    taken: Decimal | None = notes.aggregate(sum=Sum("total"))["sum"]
    left: Decimal = invoice.total + (taken or NOTHING)
    return left
