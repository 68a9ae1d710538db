"""An electronic invoice to a draft: the vendor and the engagements found, or named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from engagements.choices import LIVE_STATUSES, ChargeKind
from engagements.models import Engagement, User, Vendor
from engagements.services.documents import Examined, examine_upload
from engagements.values.file_contents import clean_file_name
from engagements.values.money import UnknownCurrencyError, allocate, currency_exponent
from engagements.values.names import normalise_name
from tracker.imports.electronic.document import DocumentLine, ElectronicInvoice, Seller
from tracker.imports.electronic.pdf import SIGNATURE
from tracker.imports.electronic.reading import read_electronic
from tracker.imports.problems import shown
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
    LineUnit,
)
from tracker.spend.services import attach_examined, draft_invoice
from tracker.spend.services.started import NEVER_STARTED

XML_TYPE = "application/xml"
# UN/ECE Recommendation 20, as far as services are billed by them.
UNITS = {
    "HUR": LineUnit.HOUR,
    "DAY": LineUnit.DAY,
    "MON": LineUnit.MONTH,
    "C62": LineUnit.PIECE,
    "EA": LineUnit.PIECE,
    "H87": LineUnit.PIECE,
    "XPP": LineUnit.PIECE,
}
_SHORTEST_ID = 4
_NAMED_ENGAGEMENTS = 8


@dataclass(frozen=True)
class ElectronicDraft:
    """The draft, with what a person should look at before receiving it."""

    invoice: Invoice
    notes: Sequence[str]


@dataclass(frozen=True)
class Reach:
    """What whoever brings a document sees; nothing else is named to them or billed."""

    vendors: QuerySet[Vendor]
    engagements: QuerySet[Engagement]
    invoices: QuerySet[Invoice]


def everything() -> Reach:
    return Reach(Vendor.objects.all(), Engagement.objects.all(), Invoice.objects.all())


@transaction.atomic
def draft_electronic(
    *,
    content: bytes,
    file_name: str,
    vendor: Vendor | None = None,
    engagement: Engagement | None = None,
    reach: Reach | None = None,
    actor: User | None,
) -> ElectronicDraft:
    """Store the document as a draft with its lines, and the file beside it.

    `vendor` and `engagement` answer for what the document doesn't name. Raises
    UnreadableFileError for what can't be read, and ValidationError that names what
    could not be matched, or is for an engagement out of reach; nothing is stored then.
    """
    reach = reach or everything()
    document = read_electronic(content)
    _check_currency(document)
    found = vendor or _vendor_of(document.seller, reach)
    places = _Places(found, document, engagement, reach)
    lines, notes = places.lines()
    credited = _credited(document, found, reach)
    sign = -1 if document.is_credit_note else 1
    if document.is_credit_note and credited is None:
        notes.append(_("Say which invoice it credits before it is received."))
    invoice = draft_invoice(
        invoice=Invoice(
            vendor=found,
            number=document.number,
            kind=InvoiceKind.CREDIT_NOTE
            if document.is_credit_note
            else InvoiceKind.INVOICE,
            credits=credited,
            issued_on=document.issued_on,
            due_on=document.due_on,
            currency=document.currency,
            total=sign * document.total,
            source=InvoiceSource.ELECTRONIC,
        ),
        lines=lines,
        actor=actor,
    )
    sum_of_lines = sum((line.amount for line in lines), Decimal(0))
    if sum_of_lines != invoice.total:
        notes.append(
            _("The lines sum to %(lines)s, the document says %(total)s.")
            % {"lines": sum_of_lines, "total": invoice.total}
        )
    attach_examined(
        invoice=invoice, examined=_examined(content, file_name), actor=actor
    )
    return ElectronicDraft(invoice, [*document.notes, *notes])


def _examined(content: bytes, file_name: str) -> Examined:
    """Return the original to keep. The XML was parsed: it is what it says."""
    name = clean_file_name(file_name)
    stem = name.rpartition(".")[0] or name
    if content.startswith(SIGNATURE):
        return examine_upload(ContentFile(content, name=f"{stem}.pdf"))
    return Examined(content, f"{stem}.xml", XML_TYPE)


def _check_currency(document: ElectronicInvoice) -> None:
    try:
        currency_exponent(document.currency)
    except UnknownCurrencyError as error:
        raise ValidationError({"currency": str(error)}) from error


def _vendor_of(seller: Seller, reach: Reach) -> Vendor:
    """Return the one vendor with a tax id, another id, or else the name of the seller.

    Raises ValidationError that tells what the document gives.
    """
    ids = {normalise_number(text) for text in (*seller.tax_ids, *seller.ids)}
    ids = {text for text in ids if len(text) >= _SHORTEST_ID}
    names = {normalise_name(name) for name in seller.names} - {""}
    by_tax, by_id, by_name = [], [], []
    for vendor in reach.vendors.order_by("id"):
        if normalise_number(vendor.tax_id) in ids:
            by_tax.append(vendor)
        if normalise_number(vendor.external_id or "") in ids:
            by_id.append(vendor)
        if vendor.normalised_name in names:
            by_name.append(vendor)
    found = by_tax or by_id or by_name
    if len(found) == 1:
        return found[0]
    if found:
        sentence = _("Several vendors could have sent it (%(names)s): say which.")
        names_found = ", ".join(vendor.legal_name for vendor in found)
        raise ValidationError({"vendor": sentence % {"names": names_found}})
    raise ValidationError(
        {
            "vendor": _(
                "No vendor is recorded with what the document gives (%(seller)s): say"
                " which it is, or record its tax id."
            )
            % {"seller": shown(str(seller)) or "–"}  # noqa: RUF001 - a dash
        }
    )


def _credited(
    document: ElectronicInvoice, vendor: Vendor, reach: Reach
) -> Invoice | None:
    if not document.is_credit_note or not document.credited_number:
        return None
    return (
        reach.invoices.filter(
            vendor=vendor,
            kind=InvoiceKind.INVOICE,
            normalised_number=normalise_number(document.credited_number),
        )
        .exclude(status=InvoiceStatus.DRAFT)
        .first()
    )


class _Places:
    """Which engagement each line is for."""

    def __init__(
        self,
        vendor: Vendor,
        document: ElectronicInvoice,
        given: Engagement | None,
        reach: Reach,
    ) -> None:
        self.document = document
        self.given = given
        rows = Engagement.objects.filter(vendor=vendor).exclude(
            status__in=NEVER_STARTED
        )
        self.candidates = list(rows.order_by("reference"))
        self.by_word: dict[str, set[int]] = {}
        for one in self.candidates:
            for text in (one.reference, one.external_id, one.purchase_order_number):
                word = normalise_number(text or "")
                if word:
                    self.by_word.setdefault(word, set()).add(one.pk)
        self.by_id = {one.pk: one for one in self.candidates}
        within = reach.engagements.filter(vendor=vendor)
        self.within = set(within.values_list("pk", flat=True))

    def lines(self) -> tuple[list[InvoiceLine], list[str]]:
        placed = [(line, self._place(line)) for line in self.document.lines]
        unplaced = [line for line, engagement in placed if engagement is None]
        if unplaced:
            raise ValidationError({"engagement": self._unplaced(unplaced)})
        if any(one is not None and one.pk not in self.within for _line, one in placed):
            # Without a word of which: whoever brought it doesn't see them.
            sentence = _(
                "Some of it is for work that you don't see: leave it to finance."
            )
            raise ValidationError({"engagement": sentence})
        lines = [
            self._line(line, engagement)
            for line, engagement in placed
            if engagement is not None
        ]
        lines += self._taxes(lines)
        notes = []
        if any(line.period is None for line in self.document.lines) and (
            self.document.period is None
        ):
            notes.append(
                _("It gives no service period: the day of issue stands for it.")
            )
        return lines, notes

    def _place(self, line: DocumentLine) -> Engagement | None:
        for references in (line.references, self._words_of(line)):
            found = self._named(references)
            if found is not None:
                return found
        if self.given is not None:
            return self.given
        return self._named(self.document.references) or self._only_one()

    def _words_of(self, line: DocumentLine) -> tuple[str, ...]:
        """Return words of the description that may be a reference, with a digit."""
        words = (word.strip(".,;:()[]") for word in line.description.split())
        return tuple(word for word in words if any(map(str.isdigit, word)))

    def _named(self, references: Sequence[str]) -> Engagement | None:
        for text in references:
            found = self.by_word.get(normalise_number(text), set())
            if len(found) == 1:
                return self.by_id[next(iter(found))]
        return None

    def _only_one(self) -> Engagement | None:
        running = [
            one
            for one in self.candidates
            if one.status in LIVE_STATUSES and one.currency == self.document.currency
        ]
        return running[0] if len(running) == 1 else None

    def _unplaced(self, lines: Sequence[DocumentLine]) -> str:
        named = ", ".join(shown(line.number or line.description) for line in lines[:5])
        seen = [one.reference for one in self.candidates if one.pk in self.within]
        references = seen[:_NAMED_ENGAGEMENTS]
        more = "…" if len(seen) > _NAMED_ENGAGEMENTS else ""
        return _(
            "It doesn't say which engagement these lines are for: %(lines)s. Choose one"
            " for them; with this vendor there are %(engagements)s."
        ) % {
            "lines": named + ("…" if len(lines) > 5 else ""),
            "engagements": (", ".join(references) + more) or _("none"),
        }

    def _line(self, line: DocumentLine, engagement: Engagement) -> InvoiceLine:
        sign = -1 if self.document.is_credit_note else 1
        unit = UNITS.get(line.unit.upper(), "")
        first, last = line.period or self.document.period or self._day_of_issue()
        is_hours = unit == LineUnit.HOUR and _fits(line.quantity, 2)
        return InvoiceLine(
            engagement=engagement,
            charge_kind=_charge(line, unit),
            description=line.description,
            period_from=first,
            period_to=last,
            hours=line.quantity if is_hours else None,
            quantity=None if is_hours else line.quantity,
            unit=unit,
            unit_price=line.price if _fits(line.price, 4) else None,
            amount=sign * line.amount,
        )

    def _day_of_issue(self) -> tuple[date, date]:
        return self.document.issued_on, self.document.issued_on

    def _taxes(self, lines: Sequence[InvoiceLine]) -> Iterator[InvoiceLine]:
        """Yield the tax, split over the engagements by what each is billed."""
        if not self.document.tax:
            return
        sums: dict[int, Decimal] = {}
        for line in lines:
            sums[line.engagement_id] = sums.get(line.engagement_id, Decimal(0)) + abs(
                line.amount
            )
        if not any(sums.values()):
            sums = dict.fromkeys(sums, Decimal(1))
        sign = -1 if self.document.is_credit_note else 1
        parts = allocate(
            sign * self.document.tax, list(sums.values()), self.document.currency
        )
        engagements = {line.engagement_id: line.engagement for line in lines}
        for engagement_id, part in zip(sums, parts, strict=True):
            if part:
                yield InvoiceLine(
                    engagement=engagements[engagement_id],
                    charge_kind=ChargeKind.TAX,
                    description=_("Tax"),
                    period_from=min(line.period_from for line in lines),
                    period_to=max(line.period_to for line in lines),
                    amount=part,
                )


def _out_of_reach() -> str:
    return _("Some of it is for work that you don't see: leave it to finance.")


def _charge(line: DocumentLine, unit: str) -> ChargeKind:
    """Return what the line most likely is; a person can correct it in the draft."""
    if line.amount < 0:
        return ChargeKind.CREDIT
    if unit in (LineUnit.HOUR, LineUnit.DAY):
        return ChargeKind.TIME
    if unit == LineUnit.MONTH:
        return ChargeKind.RECURRING
    if line.quantity not in (None, Decimal(1)):
        return ChargeKind.UNIT
    return ChargeKind.ONE_OFF


def _fits(number: Decimal | None, places: int) -> bool:
    return number is not None and not number % Decimal(1).scaleb(-places)
