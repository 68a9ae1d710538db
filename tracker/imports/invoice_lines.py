"""Lines of a table to invoices: the header repeated on each line, taken together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from tracker.imports.columns import Column, Form
from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.moments import parse_yes_no
from tracker.imports.parsing import parse_amount, parse_date
from tracker.imports.performance_lines import Account, Cells, each_line
from tracker.imports.problems import Problem, shown
from tracker.imports.tables import Table

FIELDS = (
    Field(
        "vendor",
        "vendor",
        ("vendor", "vendor name", "supplier", "supplier name", "vendor id"),
        required=True,
        help_text="Its name, tax id or external id.",
    ),
    Field(
        "number",
        "invoice number",
        ("invoice number", "invoice", "invoice no", "number", "document number"),
        required=True,
    ),
    Field("kind", "kind", ("kind", "document type", "type"), help_text="credit note"),
    Field(
        "credits",
        "credits invoice",
        ("credits invoice", "credits", "original invoice", "corrects"),
        help_text="The number of the invoice that a credit note corrects.",
    ),
    Field(
        "issued_on",
        "issued on",
        ("issued on", "invoice date", "issued", "date", "issue date"),
        required=True,
    ),
    Field("received_on", "received on", ("received on", "received", "date received")),
    Field("due_on", "due on", ("due on", "due date", "due", "payment due")),
    Field("currency", "currency", ("currency", "currency code")),
    Field("total", "total", ("total", "invoice total", "total amount", "gross total")),
    Field(
        "engagement",
        "engagement",
        ("engagement", "contract", "engagement reference", "contract reference"),
        required=True,
    ),
    Field(
        "charge",
        "charge",
        ("charge", "charge kind", "charge type", "line type"),
        help_text="recurring, time, milestone, unit, one-off, expense, credit or tax",
    ),
    Field("description", "description", ("description", "text", "line description")),
    Field(
        "period_from",
        "service from",
        ("service from", "period from", "service start", "from", "period start"),
        required=True,
    ),
    Field(
        "period_to",
        "service to",
        ("service to", "period to", "service end", "to", "until", "period end"),
        required=True,
    ),
    Field(
        "person",
        "person",
        ("person", "contractor", "worker", "worker number", "consultant"),
        help_text="Worker number or external id of whose work is billed.",
    ),
    Field("hours", "hours", ("hours", "quantity hours", "hours billed")),
    Field(
        "quantity",
        "quantity",
        ("quantity", "qty", "number of units", "units"),
        help_text="How many units, days or pieces; hours have a column of their own.",
    ),
    Field(
        "unit",
        "unit",
        ("unit", "unit of measure", "uom"),
        help_text="hour, day, month or piece",
    ),
    Field("unit_price", "price of one", ("price of one", "unit price", "rate")),
    Field("is_overtime", "overtime", ("overtime", "is overtime", "ot")),
    Field("amount", "amount", ("amount", "line amount", "net amount"), required=True),
)
DATE_FIELDS = ("issued_on", "received_on", "due_on", "period_from", "period_to")
CHARGES = {
    "recurring": "recurring",
    "recurring fee": "recurring",
    "fee": "recurring",
    "time": "time",
    "milestone": "milestone",
    "unit": "unit",
    "one off": "one_off",
    "one_off": "one_off",
    "expense": "expense",
    "expenses": "expense",
    "credit": "credit",
    "tax": "tax",
    "vat": "tax",
}
UNITS = {
    "hour": "hour",
    "hours": "hour",
    "h": "hour",
    "hur": "hour",
    "day": "day",
    "days": "day",
    "month": "month",
    "months": "month",
    "mon": "month",
    "piece": "piece",
    "pieces": "piece",
    "pcs": "piece",
}
KINDS = {
    "": "invoice",
    "invoice": "invoice",
    "380": "invoice",
    "credit note": "credit_note",
    "credit_note": "credit_note",
    "381": "credit_note",
}
# The number by which the template's example row is known.
EXAMPLE_NUMBER = "EXAMPLE-2026-001"
_EXAMPLE = {
    "vendor": "Northwind IT Ltd",
    "number": EXAMPLE_NUMBER,
    "kind": "invoice",
    "issued_on": "2026-02-01",
    "received_on": "2026-02-03",
    "due_on": "2026-03-03",
    "currency": "GBP",
    "total": "10000.00",
    "engagement": "MSC-00001",
    "charge": "recurring",
    "description": "Service desk, January",
    "period_from": "2026-01-01",
    "period_to": "2026-01-31",
    "is_overtime": "no",
    "amount": "10000.00",
}
_FORMS = dict.fromkeys(DATE_FIELDS, Form.DAY) | dict.fromkeys(
    ("total", "hours", "quantity", "unit_price", "amount"), Form.NUMBER
)
TEMPLATE = tuple(
    Column(
        name=field.name,
        label=field.label[0].upper() + field.label[1:],
        form=_FORMS.get(field.name, Form.TEXT),
        help_text=field.help_text,
        example=_EXAMPLE.get(field.name, ""),
        places=4,
        need="Yes" if field.required else "No",
    )
    for field in FIELDS
)
LONGEST_NUMBER = 60
LONGEST_DESCRIPTION = 300


class VendorPlace(NamedTuple):
    vendor_id: int
    name: str
    currency: str


class EngagementPlace(NamedTuple):
    """An engagement as a line may name it; `refusal` where nothing is billed to it."""

    engagement_id: int
    reference: str
    vendor_id: int
    currency: str
    decimals: int
    refusal: str


@dataclass(frozen=True)
class KnownPlaces:
    """What lines may name; each function takes the text as written."""

    vendor: Callable[[str], VendorPlace | None]
    engagement: Callable[[str], EngagementPlace | None]
    person: Callable[[str], int | None]
    number: Callable[[str], str]
    today: date
    last_day: date


class Header(NamedTuple):
    """What every line of one invoice says alike."""

    vendor_id: int
    number: str
    kind: str
    credits: str
    issued_on: date
    received_on: date | None
    due_on: date | None
    currency: str
    total: Decimal | None


class BilledLine(NamedTuple):
    number: int
    engagement_id: int
    charge: str
    description: str
    period_from: date
    period_to: date
    person_id: int | None
    hours: Decimal | None
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    is_overtime: bool
    amount: Decimal

    @property
    def facts(self) -> tuple[int, str, date, date, Decimal]:
        """What makes two lines the same, whichever file they stand in."""
        return (
            self.engagement_id,
            self.charge,
            self.period_from,
            self.period_to,
            self.amount,
        )


Key = tuple[int, str]


@dataclass(slots=True)
class BilledInvoice:
    header: Header
    lines: list[BilledLine] = field(default_factory=list)
    is_refused: bool = False

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass
class InvoiceFile:
    """Every line accounted for; an invoice with a refused line is refused whole."""

    account: Account = field(default_factory=Account)
    invoices: dict[Key, BilledInvoice] = field(default_factory=dict)

    def refuse(
        self, invoice: BilledInvoice, name: str, reason: str, advice: str
    ) -> None:
        """Refuse the invoice for a reason told on its first line."""
        first, *others = invoice.lines
        self.account.problems.append(
            Problem(first.number, name, reason, advice, shown(invoice.header.number))
        )
        self._refuse_rest(invoice, others)

    def refuse_line(
        self, invoice: BilledInvoice, line: BilledLine, name: str, reason: str
    ) -> None:
        advice = "Correct it, or leave the invoice out."
        self.account.problems.append(Problem(line.number, name, reason, advice))
        others = [other for other in invoice.lines if other is not line]
        self._refuse_rest(invoice, others)

    def _refuse_rest(
        self, invoice: BilledInvoice, others: Sequence[BilledLine]
    ) -> None:
        invoice.is_refused = True
        self.account.problems.extend(
            Problem(
                line.number,
                "number",
                "belongs to an invoice with a refused line",
                "An invoice is taken whole: correct that line.",
                shown(invoice.header.number),
            )
            for line in others
        )

    def accepted(self) -> dict[Key, BilledInvoice]:
        return {k: one for k, one in self.invoices.items() if not one.is_refused}


def read_invoices(
    *,
    table: Table,
    mapping: ColumnMapping,
    known: KnownPlaces,
    options: Mapping[str, str | bool],
    on_progress: Callable[[int], None],
) -> InvoiceFile:
    """Read every line and gather the lines of each invoice.

    A line that can't be read refuses its invoice, as far as it says which that is.
    """
    file = InvoiceFile()
    broken: set[Key] = set()
    decimal_comma = bool(options.get("decimal_comma"))
    for cells in each_line(
        table,
        mapping,
        file.account,
        date_fields=DATE_FIELDS,
        explicit_format=str(options.get("date_format") or ""),
        latest=known.last_day,
        on_progress=on_progress,
    ):
        if cells.text("number") == EXAMPLE_NUMBER:
            file.account.pass_over(cells.line.number)
            continue
        reader = _LineReader(cells, known, decimal_comma)
        key = reader.key()
        found = reader.read()
        if key is None:
            continue
        if found is None:
            broken.add(key)
            continue
        header, line = found
        invoice = file.invoices.setdefault(key, BilledInvoice(header))
        invoice.lines.append(line)
        # However its number is spelled.
        header = header._replace(number=invoice.header.number)
        if invoice.header != header:
            _refuse_other_header(cells, invoice, header)
            invoice.lines.pop()
            broken.add(key)
    for key in broken & file.invoices.keys():
        invoice = file.invoices[key]
        file._refuse_rest(invoice, invoice.lines)
    for invoice in file.accepted().values():
        _check_total(file, invoice)
    return file


def _refuse_other_header(cells: Cells, invoice: BilledInvoice, header: Header) -> None:
    name = next(
        name
        for name, first, here in zip(
            Header._fields, invoice.header, header, strict=True
        )
        if first != here
    )
    first_line = invoice.lines[0].number
    cells.refuse(
        name if name in cells.places else "number",
        f"differs from line {first_line} of the same invoice",
        "Write the same on every line of an invoice.",
    )


def _check_total(file: InvoiceFile, invoice: BilledInvoice) -> None:
    total = invoice.header.total
    if total is not None and total != invoice.total:
        reason = f"says {total:,}, but the lines sum to {invoice.total:,}"
        file.refuse(invoice, "total", reason, "Correct the total or the lines.")
    elif invoice.header.kind == "credit_note" and any(
        line.amount >= 0 for line in invoice.lines
    ):
        reason = "is on a credit note and not negative"
        file.refuse(invoice, "amount", reason, "Write what is taken back as negative.")


@dataclass
class _LineReader:
    cells: Cells
    known: KnownPlaces
    decimal_comma: bool
    _vendor: VendorPlace | None = None
    _number: str = ""

    def key(self) -> Key | None:
        """Return which invoice the line belongs to; what it lacks is refused."""
        cells = self.cells
        self._vendor = self.known.vendor(cells.text("vendor"))
        if self._vendor is None:
            cells.refuse(
                "vendor",
                "is no vendor that is recorded",
                "Give its name, tax id or external id, or record the vendor first.",
            )
        self._number = cells.words("number", LONGEST_NUMBER)
        normalised = self.known.number(self._number)
        if not normalised:
            cells.refuse("number", "has no letter or digit", "Give the number.")
        if self._vendor is None or not normalised:
            return None
        return self._vendor.vendor_id, normalised

    def read(self) -> tuple[Header, BilledLine] | None:
        engagement = self._engagement()
        decimals = engagement.decimals if engagement else 2
        header = self._header(engagement, decimals)
        line = self._line(engagement, decimals)
        if self.cells.has_failed or header is None or line is None:
            return None
        return header, line

    def _header(
        self, engagement: EngagementPlace | None, decimals: int
    ) -> Header | None:
        cells = self.cells
        kind = self._word("kind", KINDS)
        credited = self.known.number(cells.words("credits", LONGEST_NUMBER))
        if kind == "credit_note" and not credited:
            cells.refuse("credits", "is blank", "Name the invoice that is credited.")
        if kind == "invoice" and credited:
            cells.refuse("credits", "stands on an invoice", "Only credit notes do.")
        issued = self._day("issued_on", is_needed=True)
        received = self._day("received_on")
        for name, day in (("issued_on", issued), ("received_on", received)):
            if day is not None and day > self.known.today:
                cells.refuse(name, "lies in the future", "Correct the day.")
        currency = cells.text("currency").upper()
        if engagement and currency and currency != engagement.currency:
            reason = f"{engagement.reference} is in {engagement.currency}"
            cells.refuse("currency", reason, "Bill it in its own currency.")
        total = self._amount("total", decimals)
        days = received, self._day("due_on")
        if issued is None or kind is None or self._vendor is None:
            return None
        currency = currency or (engagement.currency if engagement else "")
        vendor = self._vendor.vendor_id
        return Header(
            vendor, self._number, kind, credited, issued, *days, currency, total
        )

    def _line(
        self, engagement: EngagementPlace | None, decimals: int
    ) -> BilledLine | None:
        cells = self.cells
        first = self._day("period_from", is_needed=True)
        last = self._day("period_to", is_needed=True)
        if first and last and last < first:
            cells.refuse("period_to", "is before its start", "Correct one of the two.")
        amount = self._amount("amount", decimals, is_needed=True)
        hours = self._amount("hours", 2)
        quantity = self._amount("quantity", 4)
        unit = self._word("unit", UNITS) if cells.text("unit") else ""
        charge = self._word("charge", CHARGES) if cells.text("charge") else None
        if charge is None:
            is_time = hours is not None or unit in ("hour", "day")
            charge = "time" if is_time else "one_off"
        description = cells.words("description", LONGEST_DESCRIPTION)
        person = self._person()
        price = self._amount("unit_price", 4)
        overtime = bool(cells.parse("is_overtime", parse_yes_no))
        if engagement is None or first is None or last is None or amount is None:
            return None
        return BilledLine(
            number=cells.line.number,
            engagement_id=engagement.engagement_id,
            charge=charge,
            description=description,
            period_from=first,
            period_to=last,
            person_id=person,
            hours=hours,
            quantity=quantity,
            unit=unit or "",
            unit_price=price,
            is_overtime=overtime,
            amount=amount,
        )

    def _engagement(self) -> EngagementPlace | None:
        cells = self.cells
        found = self.known.engagement(cells.text("engagement"))
        if found is None:
            advice = "Give its reference, such as MSC-00012, or its external id."
            cells.refuse("engagement", "is no engagement", advice)
        elif found.refusal:
            cells.refuse("engagement", found.refusal, "Start it first.")
        elif self._vendor is not None and found.vendor_id != self._vendor.vendor_id:
            reason = f"is not with {self._vendor.name}"
            cells.refuse("engagement", reason, "Correct one of the two.")
        return found

    def _person(self) -> int | None:
        text = self.cells.text("person")
        found = self.known.person(text) if text else None
        if text and found is None:
            advice = "Give the worker number or external id, or leave it blank."
            self.cells.refuse("person", "is nobody who is recorded", advice)
        return found

    def _day(self, name: str, *, is_needed: bool = False) -> date | None:
        if not is_needed and self.cells.is_blank(name):
            return None
        return self.cells.parse(name, partial(parse_date, reading=self.cells.dates))

    def _amount(
        self, name: str, decimals: int, *, is_needed: bool = False
    ) -> Decimal | None:
        if not is_needed and self.cells.is_blank(name):
            return None
        return self.cells.parse(
            name,
            partial(parse_amount, decimals=decimals, decimal_comma=self.decimal_comma),
        )

    def _word(self, name: str, words: Mapping[str, str]) -> str | None:
        text = " ".join(self.cells.text(name).replace("-", " ").split()).casefold()
        if text not in words:
            known = ", ".join(dict.fromkeys(words.values())).replace("_", " ")
            self.cells.refuse(name, "is no word known here", f"Write one of: {known}.")
            return None
        return words[text]
