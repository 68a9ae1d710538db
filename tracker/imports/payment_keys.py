"""What makes two lines the same payment, so that a file read twice adds nothing.

Where a transaction number is given: number, supplier and amount. Not the date, since
publishers leave it out in one file and give it in the next; nor the category and unit,
which they rename. Where none is given: the whole content of the line. Equal lines of
one file are told apart by counting them, and a later file's first is the first again.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engagements.values.names import normalise_name

_SEPARATORS = re.compile(r"[\W_]+")
_NO_NUMBER = frozenset({"", "none", "null", "nil", "na", "n-a", "nan", "0", "tbc"})
_DECIMAL_ZERO = re.compile(r"\.0+\Z")


def normalise_transaction_number(text: str) -> str:
    """Return one spelling of a number: “1031633 - 0” and “1031633_0” give 1031633-0.

    Empty for words such as “None” that stand for no number.
    """
    plain = _DECIMAL_ZERO.sub("", text.strip().casefold())
    number = _SEPARATORS.sub("-", plain).strip("-")
    return "" if number in _NO_NUMBER else number


def normalise_supplier_number(text: str, transaction_number: str = "") -> str:
    """Return a supplier's number without “.0” or the transaction put behind it."""
    number = _DECIMAL_ZERO.sub("", text.strip())
    if normalise_transaction_number(number) == "":
        return ""
    head, _, tail = number.rpartition("_")
    if head and tail == transaction_number.partition("-")[0]:
        return head
    return number


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts of a payment that its key is made of."""

    transaction_number: str
    supplier_number: str
    supplier_name: str
    amount: Decimal
    currency: str
    # The date as the file gives it, None where it gives none.
    paid_on: date | None
    unit: str
    category: str
    description: str

    @property
    def supplier(self) -> str:
        return self.supplier_number or normalise_name(self.supplier_name)

    def parts(self) -> tuple[str, ...]:
        what = (self.supplier, f"{self.amount:.4f}", self.currency)
        if self.transaction_number:
            return ("number", self.transaction_number, *what)
        day = self.paid_on.isoformat() if self.paid_on else ""
        rest = (self.unit, self.category, self.description)
        return ("content", day, *what, *(text.casefold() for text in rest))


def source_keys(identities: Iterable[Identity]) -> list[str]:
    """Return one key per payment, in order; equal payments get different keys."""
    seen: Counter[bytes] = Counter()
    keys = []
    for identity in identities:
        content = hashlib.sha256("\x1f".join(identity.parts()).encode()).digest()
        seen[content] += 1
        numbered = content + str(seen[content]).encode()
        keys.append(hashlib.sha256(numbered).hexdigest())
    return keys
