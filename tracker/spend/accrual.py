"""Accrual and prepayment of an engagement at a month's end: pure, to the cent.

Accrual = what was earned to date, less what was invoiced for service to date, less
agreed credits not yet applied, and never below nothing. What that is below nothing is
a prepayment, and so is what was invoiced for service still to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engagements.values.periods import month_of
from tracker.spend.earnings import Cell, Earned, Terms, earned_by, months_of
from tracker.spend.explained import NOTHING, Part, opposite, whole


@dataclass(frozen=True)
class Billed:
    """A part of a document, in the month of service that it is for."""

    month: date
    charge: str
    amount: Decimal
    document: str
    # `invoice` or `payment`, with the row's id.
    source: str = "invoice"
    source_id: int = 0


@dataclass(frozen=True)
class AgreedCredit:
    """A credit that the vendor agreed to and hasn't given yet."""

    name: str
    amount: Decimal
    source_id: int = 0
    agreed_on: date = date.min


@dataclass(frozen=True)
class Facts:
    """What the reckoning reads; nothing is owed for the months up to `settled_in`."""

    terms: Terms
    billed: Sequence[Billed] = ()
    credits: Sequence[AgreedCredit] = ()
    settled_in: date | None = None


@dataclass(frozen=True)
class Position:
    """Where an engagement stands at the end of a day.

    `ahead` is what was invoiced for service after it. `open_by_cell` sums to what was
    earned and not invoiced, never below nothing. `explanation` is of the net figure.
    """

    until: date
    earned: Decimal
    estimated: Decimal
    invoiced: Decimal
    credits: Decimal
    settled: Decimal
    open_by_cell: Mapping[Cell, Decimal]
    explanation: Part
    ahead_explained: Part

    @property
    def ahead(self) -> Decimal:
        return self.ahead_explained.amount

    @property
    def net(self) -> Decimal:
        return self.earned - self.invoiced - self.credits - self.settled

    @property
    def accrual(self) -> Decimal:
        return max(NOTHING, self.net)

    @property
    def prepayment(self) -> Decimal:
        return max(NOTHING, -self.net) + self.ahead

    @property
    def is_blank(self) -> bool:
        figures = (self.earned, self.invoiced, self.credits, self.ahead)
        return not any(figures)


def position_at(facts: Facts, until: date) -> Position:
    """Return the position at the end of a day, whatever the order of the documents."""
    earned = earned_by(facts.terms, until)
    to_date = [one for one in facts.billed if one.month <= until]
    ahead = [one for one in facts.billed if one.month > until]
    cells = _net(earned.amounts, to_date)
    settled = _settled(cells, facts.settled_in)
    parts = _parts(earned, to_date, facts.credits, settled, ahead)
    return Position(
        until=until,
        earned=parts["earned"].amount,
        estimated=sum(
            (p.amount for p in parts["earned"].walk() if p.code == "estimate"), NOTHING
        ),
        invoiced=-parts["invoiced"].amount,
        credits=-parts["credits"].amount,
        settled=-parts["settled"].amount,
        open_by_cell=_open(cells, settled),
        explanation=_net_of(parts),
        ahead_explained=parts["ahead"],
    )


def open_cells(
    facts: Facts, earned: Mapping[Cell, Decimal], until: date
) -> dict[Cell, Decimal]:
    """Return a position's `open_by_cell`, by what was earned until then."""
    cells = _net(earned, [one for one in facts.billed if one.month <= until])
    return _open(cells, _settled(cells, facts.settled_in))


def _open(
    cells: Mapping[Cell, Decimal], settled: Collection[Cell]
) -> dict[Cell, Decimal]:
    return cover({cell: cells[cell] for cell in cells if cell not in settled})


def cover(cells: Mapping[Cell, Decimal]) -> dict[Cell, Decimal]:
    """Let what was billed above what was earned cover what is open elsewhere.

    First of the same charge, then of any; the oldest month is covered first. What
    remains sums to the sum of all, and to nothing where that is less.
    """
    left = {cell: amount for cell, amount in sorted(cells.items()) if amount > 0}
    above = {cell: -amount for cell, amount in sorted(cells.items()) if amount < 0}
    for is_of_charge in (True, False):
        for cell in above:
            for open_cell in left:
                if is_of_charge and open_cell[1] != cell[1]:
                    continue
                covered = min(left[open_cell], above[cell])
                left[open_cell] -= covered
                above[cell] -= covered
    return {cell: amount for cell, amount in left.items() if amount}


def _net(
    earned: Mapping[Cell, Decimal], billed: Iterable[Billed]
) -> dict[Cell, Decimal]:
    cells = defaultdict(lambda: NOTHING, earned)
    for one in billed:
        cells[one.month, one.charge] -= one.amount
    return dict(cells)


def _settled(
    cells: Mapping[Cell, Decimal], through: date | None
) -> dict[Cell, Decimal]:
    if through is None:
        return {}
    last = month_of(through)
    return {cell: amount for cell, amount in cells.items() if cell[0] <= last}


def _parts(
    earned: Earned,
    billed: Sequence[Billed],
    credits_agreed: Sequence[AgreedCredit],
    settled: Mapping[Cell, Decimal],
    ahead: Sequence[Billed],
) -> dict[str, Part]:
    kept = [
        Part("settled_month", amount, {"month": month.isoformat()})
        for month, amount in sorted(_by_month(settled).items())
        if amount
    ]
    owed = [
        Part("credit", one.amount, {"name": one.name, "id": str(one.source_id)})
        for one in sorted(credits_agreed, key=lambda c: (c.source_id, c.name))
    ]
    return {
        "earned": whole("earned", months_of("month", earned)),
        "invoiced": opposite(whole("invoiced", _documents(billed))),
        "credits": opposite(whole("credits", owed)),
        "settled": opposite(whole("settled", kept)),
        "ahead": whole("ahead", _documents(ahead)),
    }


def _by_month(cells: Mapping[Cell, Decimal]) -> dict[date, Decimal]:
    months: dict[date, Decimal] = defaultdict(lambda: NOTHING)
    for (month, _charge), amount in cells.items():
        months[month] += amount
    return months


def _documents(billed: Sequence[Billed]) -> Iterator[Part]:
    months: dict[date, list[Part]] = defaultdict(list)
    for one in sorted(
        billed, key=lambda b: (b.month, b.source, b.source_id, b.charge, b.amount)
    ):
        facts = {
            "document": one.document,
            "charge": one.charge,
            "id": str(one.source_id),
        }
        months[one.month].append(Part(one.source, one.amount, facts))
    for month, parts in months.items():
        yield whole("month", parts, month=month.isoformat())


def _net_of(parts: Mapping[str, Part]) -> Part:
    """Return the tree; months that are billed to the cent are told in one line."""
    earned, invoiced = _fold(parts["earned"], parts["invoiced"])
    taken = [parts[name] for name in ("credits", "settled") if parts[name].parts]
    return whole("net", [earned, invoiced, *taken])


def _fold(earned: Part, invoiced: Part) -> tuple[Part, Part]:
    billed = {part.facts["month"]: part.amount for part in invoiced.parts}
    even = {
        part.facts["month"]
        for part in earned.parts
        if part.amount + billed.get(part.facts["month"], NOTHING) == 0
    }
    if not even:
        return earned, invoiced
    return _folded(earned, even), _folded(invoiced, even)


def _folded(part: Part, even: set[str]) -> Part:
    inside = [one for one in part.parts if one.facts["month"] in even]
    others = [one for one in part.parts if one.facts["month"] not in even]
    if len(inside) <= 1:
        return part
    total = sum((one.amount for one in inside), NOTHING)
    months = [one.facts["month"] for one in inside]
    line = Part(
        "even_months",
        total,
        {"count": str(len(inside)), "first": min(months), "last": max(months)},
    )
    return Part(part.code, part.amount, part.facts, (line, *others))
