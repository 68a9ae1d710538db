"""What an electronic invoice says, whichever syntax it is written in.

Sources: EN 16931-1 (the model and its business terms), OASIS UBL 2.1 and UN/CEFACT
CII D16B (its two syntaxes), Peppol BIS Billing 3.0 and Factur-X 1.0 (their profiles).
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Seller:
    """Who bills: every tax number, other id and name that the document gives."""

    tax_ids: tuple[str, ...]
    ids: tuple[str, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join((*self.names[:1], *self.tax_ids[:1], *self.ids[:1]))


@dataclass(frozen=True)
class DocumentLine:
    """`references` name orders, contracts or documents that the line is about."""

    number: str
    description: str
    amount: Decimal
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    period: tuple[date, date] | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class ElectronicInvoice:
    """Amounts as the document has them; a credit note's are positive there."""

    syntax: str
    number: str
    is_credit_note: bool
    issued_on: date
    due_on: date | None
    currency: str
    seller: Seller
    total: Decimal
    tax: Decimal
    lines: tuple[DocumentLine, ...]
    period: tuple[date, date] | None = None
    credited_number: str = ""
    references: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
