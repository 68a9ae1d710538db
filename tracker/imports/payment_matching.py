"""Which lines of a file are recorded already, which are new, which contradict."""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import Protocol

from engagements.values.names import normalise_name
from tracker.imports.payment_lines import PaymentLine
from tracker.imports.problems import Note, Problem
from tracker.imports.spool import Spool

# Looked up together, which bounds the memory that it takes.
_AT_ONCE = 5000


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


class Stored(Protocol):
    """Looks up what is recorded; of one number, what was stored first comes first."""

    def by_key(self, keys: Collection[str]) -> Iterable[Recorded]: ...

    def by_number(self, numbers: Collection[str]) -> Iterable[Recorded]: ...


class Verdict(IntEnum):
    REFUSED = 0
    NEW = 1
    RECORDED = 2


@dataclass
class Matching:
    """What each line is found to be, in the lines' order."""

    lines: Sequence[PaymentLine]
    keys: Sequence[str]
    # Of accepted lines, by currency.
    totals: defaultdict[str, Decimal] = field(
        default_factory=lambda: defaultdict(Decimal)
    )
    # As the accepted lines write them.
    suppliers: set[str] = field(default_factory=set)
    problems: Spool[Problem] = field(default_factory=Spool)
    notes: list[Note] = field(default_factory=list)
    verdicts: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.verdicts = bytearray(len(self.lines))

    def number_of(self, verdict: Verdict) -> int:
        return self.verdicts.count(verdict)

    def found(self, verdict: Verdict) -> Iterator[tuple[int, PaymentLine]]:
        """Yield the lines that are so, each with its position among all."""
        for position, line in enumerate(self.lines):
            if self.verdicts[position] == verdict:
                yield position, line

    def accept(self, position: int, line: PaymentLine, verdict: Verdict) -> None:
        self.verdicts[position] = verdict
        self.totals[line.currency] += line.amount
        self.suppliers.add(line.supplier_name)


def match_payments(
    lines: Sequence[PaymentLine], keys: Sequence[str], stored: Stored
) -> Matching:
    """Compare the lines with what is stored.

    A line is recorded already when its key is; or when a stored payment of its
    transaction, supplier and amount is not taken by another line, which finds it
    where one file gave the supplier's number and the other did not. A line that gives
    another amount for a stored transaction of the same supplier and day contradicts
    it, and is refused: a transaction's further lines come in its own file.
    """
    matching = Matching(lines, keys)
    left = _Left(stored, keys)
    # Lines of a stored transaction wait until every line has taken its own payment.
    waiting = array("Q")
    for start in range(0, len(lines), _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, len(lines)))
        waiting.extend(_match_part(part, matching, stored, left))
    for start in range(0, len(waiting), _AT_ONCE):
        _look_for_contradictions(waiting[start : start + _AT_ONCE], matching, left)
    return matching


def _match_part(
    part: range, matching: Matching, stored: Stored, left: "_Left"
) -> list[int]:
    """Accept what stands alone; return the positions of what may contradict."""
    lines = matching.lines[part.start : part.stop]
    keys = matching.keys[part.start : part.stop]
    by_key = {payment.source_key: payment for payment in stored.by_key(keys)}
    candidates = left.of(
        line for line, key in zip(lines, keys, strict=True) if key not in by_key
    )
    waiting = []
    for position, line, key in zip(part, lines, keys, strict=True):
        recorded = by_key.get(key) or left.take_equal(line, candidates)
        if recorded is not None:
            matching.accept(position, line, Verdict.RECORDED)
            _note_other_date(line, recorded, matching.notes)
        elif line.transaction_number in candidates:
            waiting.append(position)
        else:
            matching.accept(position, line, Verdict.NEW)
    return waiting


def _look_for_contradictions(
    part: Sequence[int], matching: Matching, left: "_Left"
) -> None:
    lines = [matching.lines[position] for position in part]
    candidates = left.of(lines)
    for position, line in zip(part, lines, strict=True):
        contradicted = _contradicted(line, candidates)
        if contradicted is None:
            matching.accept(position, line, Verdict.NEW)
        else:
            matching.problems.append(_contradiction(line, contradicted))


# Stored payments by transaction number.
Candidates = Mapping[str, list[Recorded]]


class _Left:
    """The stored payments that no line has taken, neither by its key nor as equal."""

    def __init__(self, stored: Stored, keys: Collection[str]) -> None:
        self._stored = stored
        self._keys = keys
        self._taken: set[str] = set()

    def of(self, lines: Iterable[PaymentLine]) -> Candidates:
        """Return those that have one of the lines' transaction numbers."""
        numbers = {line.transaction_number for line in lines} - {""}
        found: defaultdict[str, list[Recorded]] = defaultdict(list)
        for payment in self._stored.by_number(numbers):
            key = payment.source_key
            if key not in self._taken and key not in self._keys:
                found[payment.transaction_number].append(payment)
        return dict(found)

    def take_equal(self, line: PaymentLine, candidates: Candidates) -> Recorded | None:
        payments = candidates.get(line.transaction_number, [])
        for payment in payments:
            if (
                payment.amount == line.amount
                and payment.currency == line.currency
                and payment.is_by_supplier_of(line)
            ):
                payments.remove(payment)
                self._taken.add(payment.source_key)
                return payment
        return None


def _contradicted(line: PaymentLine, candidates: Candidates) -> Recorded | None:
    for payment in candidates.get(line.transaction_number, []):
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
