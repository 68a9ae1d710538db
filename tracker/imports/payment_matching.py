"""Which lines of a file are recorded already, which are new, which contradict."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from engagements.values.names import normalise_name
from tracker.imports.payment_keys import source_keys
from tracker.imports.payment_lines import PaymentLine
from tracker.imports.problems import Note, Problem


@dataclass(frozen=True, slots=True)
class Recorded:
    """A payment that an earlier import stored, as far as matching needs it."""

    source_key: str
    transaction_number: str
    supplier_number: str
    supplier_name: str
    amount: Decimal
    currency: str
    paid_on: date
    source: str  # file and line, in words

    def is_by_supplier_of(self, line: PaymentLine) -> bool:
        if self.supplier_number and self.supplier_number == line.supplier_number:
            return True
        return normalise_name(self.supplier_name) == normalise_name(line.supplier_name)


class KeyedLine(NamedTuple):
    line: PaymentLine
    source_key: str


@dataclass(frozen=True)
class Matching:
    """Every line stands in just one of: new, already recorded, refused."""

    new: list[KeyedLine]
    already_recorded: list[PaymentLine]
    problems: list[Problem]
    notes: list[Note]


def with_keys(lines: Sequence[PaymentLine]) -> list[KeyedLine]:
    keys = source_keys(line.identity() for line in lines)
    return [KeyedLine(line, key) for line, key in zip(lines, keys, strict=True)]


def match_payments(
    lines: Sequence[KeyedLine], recorded: Iterable[Recorded]
) -> Matching:
    """Compare the lines with what is stored.

    A line is recorded already when its key is; or when a stored payment of its
    transaction, supplier and amount is not taken by another line, which finds it
    where one file gave the supplier's number and the other did not. A line that gives
    another amount for a stored transaction of the same supplier and day contradicts
    it, and is refused: a transaction's further lines come in its own file.
    """
    by_key: dict[str, Recorded] = {}
    left: defaultdict[str, list[Recorded]] = defaultdict(list)
    line_keys = {line.source_key for line in lines}
    for payment in recorded:
        by_key[payment.source_key] = payment
        if payment.transaction_number and payment.source_key not in line_keys:
            left[payment.transaction_number].append(payment)
    matching = Matching([], [], [], [])
    unmatched = []
    for keyed in lines:
        stored = by_key.get(keyed.source_key) or _take_equal(keyed.line, left)
        if stored is None:
            unmatched.append(keyed)
        else:
            matching.already_recorded.append(keyed.line)
            _note_other_date(keyed.line, stored, matching.notes)
    for keyed in unmatched:
        contradicted = _contradicted(keyed.line, left)
        if contradicted is None:
            matching.new.append(keyed)
        else:
            matching.problems.append(_contradiction(keyed.line, contradicted))
    return matching


def _take_equal(
    line: PaymentLine, left: defaultdict[str, list[Recorded]]
) -> Recorded | None:
    candidates = left.get(line.transaction_number, [])
    for payment in candidates:
        if (
            payment.amount == line.amount
            and payment.currency == line.currency
            and payment.is_by_supplier_of(line)
        ):
            candidates.remove(payment)
            return payment
    return None


def _contradicted(
    line: PaymentLine, left: defaultdict[str, list[Recorded]]
) -> Recorded | None:
    for payment in left.get(line.transaction_number, []):
        is_same_day = line.is_undated or payment.paid_on == line.paid_on
        if is_same_day and payment.is_by_supplier_of(line):
            return payment
    return None


def _contradiction(line: PaymentLine, stored: Recorded) -> Problem:
    return Problem(
        line.number,
        "amount",
        f"contradicts transaction {line.transaction_number}, recorded with"
        f" {stored.amount:,.2f} {stored.currency} from {stored.source}",
        "Check which is right. A correction is a payment of its own, with its own"
        " number and the difference as its amount.",
        f"{line.amount:,}",
    )


def _note_other_date(line: PaymentLine, stored: Recorded, notes: list[Note]) -> None:
    if not line.is_undated and line.paid_on != stored.paid_on:
        text = (
            f"recorded already from {stored.source}, there dated {stored.paid_on}, here"
            f" {line.paid_on}; the date recorded first stays"
        )
        notes.append(Note(line.number, text))
