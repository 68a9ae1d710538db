"""What makes two lines the same payment, so that a file read twice adds nothing.

Where a transaction number is given: number, supplier and amount. Not the date, since
publishers leave it out in one file and give it in the next; nor the category and unit,
which they rename. Where none is given: the whole content of the line. Equal lines of
one file are told apart by counting them, and a later file's first is the first again.
"""

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from engagements.values.names import normalise_name

_SEPARATORS = re.compile(r"[\W_]+")
_NO_NUMBER = frozenset({"", "none", "null", "nil", "na", "n-a", "nan", "0", "tbc"})
_DECIMAL_ZERO = re.compile(r"\.0+\Z")
_KEY = re.compile(r"[0-9a-f]{64}")
_DIGEST = hashlib.sha256().digest_size
_HEAD = np.dtype(">u8")

_name_key = lru_cache(maxsize=4096)(normalise_name)


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


class Identity(NamedTuple):
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
        return self.supplier_number or _name_key(self.supplier_name)

    def parts(self) -> tuple[str, ...]:
        what = (self.supplier, f"{self.amount:.4f}", self.currency)
        if self.transaction_number:
            return ("number", self.transaction_number, *what)
        day = self.paid_on.isoformat() if self.paid_on else ""
        rest = (self.unit, self.category, self.description)
        return ("content", day, *what, *(text.casefold() for text in rest))


class SourceKeys(Sequence[str]):
    """One key per payment, in order; equal payments get different keys.

    Keys are worked out when they are asked for. Held are 36 bytes a payment: a digest
    of its content, and its number among its equals.
    """

    def __init__(self, identities: Iterable[Identity]) -> None:
        contents = bytearray()
        for identity in identities:
            contents += hashlib.sha256("\x1f".join(identity.parts()).encode()).digest()
        self._contents = bytes(contents)
        self._numbers = _numbers_among_equals(self._contents)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[position] for position in range(len(self))[place]]
        return self._key(range(len(self))[place]).hex()

    def __contains__(self, key: object) -> bool:
        # What other means than an import stored may have a key of another form.
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            return False
        heads, positions = self._by_head
        head = _HEAD.type(int(key[: 2 * _HEAD.itemsize], 16))
        first, last = (heads.searchsorted(head, side) for side in ("left", "right"))
        return any(self[int(place)] == key for place in positions[first:last])

    def _key(self, position: int) -> bytes:
        content = self._contents[position * _DIGEST : (position + 1) * _DIGEST]
        number = str(self._numbers[position])
        return hashlib.sha256(content + number.encode()).digest()

    @cached_property
    def _by_head(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """The first bytes of the keys in order, and whose they are."""
        keys = b"".join(map(self._key, range(len(self))))
        heads = _heads(keys)
        positions = np.argsort(heads)
        return heads[positions], positions


def _heads(digests: bytes) -> NDArray[np.uint64]:
    """Return the first eight bytes of each digest, as numbers to sort by."""
    words = np.frombuffer(digests, _HEAD).reshape(-1, _DIGEST // _HEAD.itemsize)
    return words[:, 0].astype(np.uint64)


def _numbers_among_equals(contents: bytes) -> "array[int]":
    heads = _heads(contents)
    numbers = array("I", [1]) * len(heads)
    distinct, counts = np.unique(heads, return_counts=True)
    repeated = np.isin(heads, distinct[counts > 1])
    seen: Counter[bytes] = Counter()
    for position in np.flatnonzero(repeated).tolist():
        content = contents[position * _DIGEST : (position + 1) * _DIGEST]
        seen[content] += 1
        numbers[position] = seen[content]
    return numbers
