"""UBL and CII to what they say: one table of paths per syntax, one way of reading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from tracker.imports.electronic.document import DocumentLine, ElectronicInvoice, Seller
from tracker.imports.electronic.pdf import SIGNATURE, invoice_within
from tracker.imports.electronic.xml_tree import parse_xml
from tracker.imports.parsing import LARGEST_AMOUNT, Unreadable, parse_words
from tracker.imports.problems import UnreadableFileError, shown

MOST_LINES = 10_000
_LONGEST = {"number": 60, "description": 300, "reference": 200, "name": 200}

# UNTDID 1001: what credits, among the types of documents that EN 16931 allows.
CREDIT_TYPES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "532"})
NO_INVOICE_TYPES = frozenset({"325"})  # pro forma

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CII = "urn:un:unece:uncefact:data:standard:"
SPACES = {
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
    "rsm": f"{_CII}CrossIndustryInvoice:100",
    "ram": f"{_CII}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_CII}UnqualifiedDataType:100",
}


@dataclass(frozen=True)
class Syntax:
    """Where a syntax keeps each business term; several paths are tried in order."""

    name: str
    kind: str
    number: str
    issued_on: str
    due_on: tuple[str, ...]
    currency: str
    seller: str
    tax_ids: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    total: str
    tax: str
    net: str
    prepaid: str
    credited: str
    references: tuple[str, ...]
    period: tuple[str, str]
    delivered_on: str
    surcharges: str
    surcharge_flag: str
    surcharge_amount: str
    surcharge_reason: str
    lines: tuple[str, ...]
    line_number: str
    line_texts: tuple[str, ...]
    line_amount: str
    line_quantity: tuple[str, ...]
    line_price: str
    line_period: tuple[str, str]
    line_references: tuple[str, ...]


_PARTY = "cac:AccountingSupplierParty/cac:Party"
UBL = Syntax(
    name="UBL",
    kind="cbc:InvoiceTypeCode",
    number="cbc:ID",
    issued_on="cbc:IssueDate",
    due_on=("cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate"),
    currency="cbc:DocumentCurrencyCode",
    seller=_PARTY,
    tax_ids="cac:PartyTaxScheme/cbc:CompanyID",
    ids=(
        "cac:PartyIdentification/cbc:ID",
        "cac:PartyLegalEntity/cbc:CompanyID",
        "cbc:EndpointID",
    ),
    names=("cac:PartyLegalEntity/cbc:RegistrationName", "cac:PartyName/cbc:Name"),
    total="cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount",
    tax="cac:TaxTotal/cbc:TaxAmount",
    net="cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount",
    prepaid="cac:LegalMonetaryTotal/cbc:PrepaidAmount",
    credited="cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",
    references=(
        "cac:ContractDocumentReference/cbc:ID",
        "cac:OrderReference/cbc:ID",
        "cac:ProjectReference/cbc:ID",
        "cbc:BuyerReference",
    ),
    period=("cac:InvoicePeriod/cbc:StartDate", "cac:InvoicePeriod/cbc:EndDate"),
    delivered_on="cac:Delivery/cbc:ActualDeliveryDate",
    surcharges="cac:AllowanceCharge",
    surcharge_flag="cbc:ChargeIndicator",
    surcharge_amount="cbc:Amount",
    surcharge_reason="cbc:AllowanceChargeReason",
    lines=("cac:InvoiceLine", "cac:CreditNoteLine"),
    line_number="cbc:ID",
    line_texts=("cac:Item/cbc:Name", "cac:Item/cbc:Description", "cbc:Note"),
    line_amount="cbc:LineExtensionAmount",
    line_quantity=("cbc:InvoicedQuantity", "cbc:CreditedQuantity"),
    line_price="cac:Price/cbc:PriceAmount",
    line_period=("cac:InvoicePeriod/cbc:StartDate", "cac:InvoicePeriod/cbc:EndDate"),
    line_references=(
        "cac:OrderLineReference/cac:OrderReference/cbc:ID",
        "cac:DocumentReference/cbc:ID",
        "cbc:AccountingCost",
    ),
)

_TRADE = "rsm:SupplyChainTradeTransaction"
_AGREED = f"{_TRADE}/ram:ApplicableHeaderTradeAgreement"
_SETTLED = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_SUMS = f"{_SETTLED}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_LINE_AGREED = "ram:SpecifiedLineTradeAgreement"
_LINE_SETTLED = "ram:SpecifiedLineTradeSettlement"
_SPAN = "ram:BillingSpecifiedPeriod"
_DAY = "udt:DateTimeString"
CII = Syntax(
    name="CII",
    kind="rsm:ExchangedDocument/ram:TypeCode",
    number="rsm:ExchangedDocument/ram:ID",
    issued_on=f"rsm:ExchangedDocument/ram:IssueDateTime/{_DAY}",
    due_on=(f"{_SETTLED}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{_DAY}",),
    currency=f"{_SETTLED}/ram:InvoiceCurrencyCode",
    seller=f"{_AGREED}/ram:SellerTradeParty",
    tax_ids="ram:SpecifiedTaxRegistration/ram:ID",
    ids=("ram:ID", "ram:GlobalID", "ram:SpecifiedLegalOrganization/ram:ID"),
    names=("ram:Name", "ram:SpecifiedLegalOrganization/ram:TradingBusinessName"),
    total=f"{_SUMS}/ram:GrandTotalAmount",
    tax=f"{_SUMS}/ram:TaxTotalAmount",
    net=f"{_SUMS}/ram:TaxBasisTotalAmount",
    prepaid=f"{_SUMS}/ram:TotalPrepaidAmount",
    credited=f"{_SETTLED}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID",
    references=(
        f"{_AGREED}/ram:ContractReferencedDocument/ram:IssuerAssignedID",
        f"{_AGREED}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",
        f"{_AGREED}/ram:SpecifiedProcuringProject/ram:ID",
        f"{_AGREED}/ram:BuyerReference",
    ),
    period=(
        f"{_SETTLED}/{_SPAN}/ram:StartDateTime/{_DAY}",
        f"{_SETTLED}/{_SPAN}/ram:EndDateTime/{_DAY}",
    ),
    delivered_on=f"{_TRADE}/ram:ApplicableHeaderTradeDelivery"
    f"/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{_DAY}",
    surcharges=f"{_SETTLED}/ram:SpecifiedTradeAllowanceCharge",
    surcharge_flag="ram:ChargeIndicator/udt:Indicator",
    surcharge_amount="ram:ActualAmount",
    surcharge_reason="ram:Reason",
    lines=(f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem",),
    line_number="ram:AssociatedDocumentLineDocument/ram:LineID",
    line_texts=(
        "ram:SpecifiedTradeProduct/ram:Name",
        "ram:SpecifiedTradeProduct/ram:Description",
        "ram:AssociatedDocumentLineDocument/ram:IncludedNote/ram:Content",
    ),
    line_amount=f"{_LINE_SETTLED}/ram:SpecifiedTradeSettlementLineMonetarySummation"
    "/ram:LineTotalAmount",
    line_quantity=("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",),
    line_price=f"{_LINE_AGREED}/ram:NetPriceProductTradePrice/ram:ChargeAmount",
    line_period=(
        f"{_LINE_SETTLED}/{_SPAN}/ram:StartDateTime/{_DAY}",
        f"{_LINE_SETTLED}/{_SPAN}/ram:EndDateTime/{_DAY}",
    ),
    line_references=(
        f"{_LINE_AGREED}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",
        f"{_LINE_AGREED}/ram:ContractReferencedDocument/ram:IssuerAssignedID",
        f"{_LINE_SETTLED}/ram:AdditionalReferencedDocument/ram:IssuerAssignedID",
    ),
)

_ROOTS = {
    f"{{{_UBL}Invoice-2}}Invoice": (UBL, False),
    f"{{{_UBL}CreditNote-2}}CreditNote": (UBL, True),
    f"{{{SPACES['rsm']}}}CrossIndustryInvoice": (CII, False),
}


def read_electronic(content: bytes) -> ElectronicInvoice:
    """Return what the document says. Raises UnreadableFileError with what to do."""
    if content.startswith(SIGNATURE):
        content = invoice_within(content)
    root = parse_xml(content)
    known = _ROOTS.get(root.tag)
    if known is None:
        raise UnreadableFileError(
            f"“{shown(root.tag.rpartition('}')[2])}” is no invoice that can be read:"
            " UBL 2.1 (Peppol BIS), CII, Factur-X and ZUGFeRD 2 are."
        )
    syntax, is_credit_note = known
    return _Document(root, syntax).read(is_credit_note)


class _Document:
    def __init__(self, root: Element, syntax: Syntax) -> None:
        self.root = root
        self.syntax = syntax

    def read(self, is_credit_note: bool) -> ElectronicInvoice:
        s = self.syntax
        kind = _text(self.root, s.kind)
        if kind in NO_INVOICE_TYPES:
            raise UnreadableFileError("It is a pro forma invoice: nothing is owed yet.")
        currency = self._needed(s.currency, "currency").upper()
        tax = self._tax(currency)
        lines = self._lines()
        notes = []
        if lines:
            lines = (*lines, *self._surcharges())
        else:
            # What is added to, or taken from, the whole is in this sum already.
            net = self._amount(s.net)
            lines = (DocumentLine("1", "As billed, without lines", net),)
            notes.append("The document gives sums without lines.")
        if self._amount(s.prepaid, needed=False):
            notes.append("Part of it was prepaid: see the document.")
        return ElectronicInvoice(
            syntax=s.name,
            number=_words(self._needed(s.number, "number"), "number"),
            is_credit_note=is_credit_note or kind in CREDIT_TYPES,
            issued_on=_day(self._needed(s.issued_on, "day of issue")),
            due_on=self._first_day(s.due_on),
            currency=currency,
            seller=self._seller(),
            total=self._amount(s.total),
            tax=tax,
            lines=lines,
            period=_period(self.root, s.period) or self._delivery(),
            credited_number=_words(_text(self.root, s.credited), "number"),
            references=tuple(_texts(self.root, s.references)),
            notes=tuple(notes),
        )

    def _needed(self, path: str, what: str) -> str:
        text = _text(self.root, path)
        if not text:
            raise UnreadableFileError(
                f"The document gives no {what} ({path.rpartition('/')[2]}). Ask the"
                " vendor for a valid one."
            )
        return text

    def _amount(self, path: str, *, needed: bool = True) -> Decimal:
        text = _text(self.root, path)
        if not text and not needed:
            return Decimal(0)
        return _number(text, path)

    def _tax(self, currency: str) -> Decimal:
        """Return the tax in the invoice's currency; it may be given in ours as well."""
        for element in self.root.iterfind(self.syntax.tax, SPACES):
            if element.get("currencyID", currency).upper() == currency:
                return _number(_of(element), self.syntax.tax)
        return Decimal(0)

    def _seller(self) -> Seller:
        party = self.root.find(self.syntax.seller, SPACES)
        if party is None:
            raise UnreadableFileError("The document doesn't say who bills.")
        return Seller(
            tax_ids=tuple(_texts(party, (self.syntax.tax_ids,))),
            ids=tuple(_texts(party, self.syntax.ids)),
            names=tuple(_texts(party, self.syntax.names)),
        )

    def _first_day(self, paths: tuple[str, ...]) -> date | None:
        found = (_text(self.root, path) for path in paths)
        text = next(filter(None, found), "")
        return _day(text) if text else None

    def _delivery(self) -> tuple[date, date] | None:
        day = self._first_day((self.syntax.delivered_on,))
        return (day, day) if day else None

    def _lines(self) -> tuple[DocumentLine, ...]:
        elements = [
            element
            for path in self.syntax.lines
            for element in self.root.iterfind(path, SPACES)
        ]
        if len(elements) > MOST_LINES:
            raise UnreadableFileError(
                f"The invoice has more than {MOST_LINES:,} lines. Ask for it in parts."
            )
        return tuple(self._line(element) for element in elements)

    def _line(self, element: Element) -> DocumentLine:
        s = self.syntax
        quantity = next(
            (q for p in s.line_quantity if (q := element.find(p, SPACES)) is not None),
            None,
        )
        amount = _text(element, s.line_amount)
        price = _text(element, s.line_price)
        texts = dict.fromkeys(_texts(element, s.line_texts))
        return DocumentLine(
            number=_words(_text(element, s.line_number), "number"),
            description=": ".join(texts)[: _LONGEST["description"]],
            amount=_number(amount, s.line_amount),
            quantity=None
            if quantity is None
            else _number(_of(quantity), "Quantity", places=8),
            unit="" if quantity is None else quantity.get("unitCode", "")[:10],
            price=_number(price, s.line_price, places=12) if price else None,
            period=_period(element, s.line_period),
            references=tuple(_texts(element, s.line_references)),
        )

    def _surcharges(self) -> Iterator[DocumentLine]:
        """Yield what is added to, or taken from, the whole as a line of its own."""
        s = self.syntax
        for element in self.root.iterfind(s.surcharges, SPACES):
            is_charge = _text(element, s.surcharge_flag).casefold() in ("true", "1")
            amount = _number(_text(element, s.surcharge_amount), s.surcharge_amount)
            reason = _words(_text(element, s.surcharge_reason), "description")
            word = "Charge" if is_charge else "Allowance"
            yield DocumentLine("", reason or word, amount if is_charge else -amount)


def _of(element: Element) -> str:
    return (element.text or "").strip()


def _text(element: Element, path: str) -> str:
    found = element.find(path, SPACES)
    return "" if found is None else _of(found)


def _texts(element: Element, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        for found in element.iterfind(path, SPACES):
            text = _words(_of(found), "reference")
            if text:
                yield text


def _words(text: str, what: str) -> str:
    """Return the words; a text that is too long is cut, but never a number."""
    longest = _LONGEST[what]
    try:
        if what == "number":
            return parse_words(text, longest=longest)
        return parse_words(text[:10_000], longest=10_000)[:longest]
    except Unreadable as finding:
        raise UnreadableFileError(
            f"“{shown(text)}” {finding.reason}. {finding.advice}"
        ) from finding


_NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})", re.ASCII)


def _number(text: str, path: str, *, places: int = 2) -> Decimal:
    name = path.rpartition(":")[2]
    if not _NUMBER.fullmatch(text):
        raise UnreadableFileError(f"{name} “{shown(text)}” is no number.")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UnreadableFileError(f"{name} “{shown(text)}” is no number.") from error
    if abs(number) > LARGEST_AMOUNT:
        raise UnreadableFileError(f"{name} “{shown(text)}” is too large.")
    step = Decimal(1).scaleb(-max(places, 4))
    if number % step and places <= 4:
        raise UnreadableFileError(f"{name} “{shown(text)}” has too many decimals.")
    return number


_DASHED = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)


def _day(text: str) -> date:
    """Return a day written as 2026-05-31, with or without zone, or as 20260531."""
    match = _DASHED.match(text) or _COMPACT.fullmatch(text)
    if match is not None:
        try:
            return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            match = None
    raise UnreadableFileError(f"“{shown(text)}” is no day of the calendar.")


def _period(element: Element, paths: tuple[str, str]) -> tuple[date, date] | None:
    first, last = (_text(element, path) for path in paths)
    if not first and not last:
        return None
    days = _day(first or last), _day(last or first)
    return days if days[0] <= days[1] else None
