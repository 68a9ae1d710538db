"""Lines about contracts and their service levels, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.moments import Moment, is_blank, parse_moment
from tracker.imports.parsing import (
    DateOrderEvidence,
    DateReading,
    Unreadable,
    date_order_of,
    parse_words,
)
from tracker.imports.problems import Note, Problem, shown
from tracker.imports.tables import Line, Table

T = TypeVar("T")
PROGRESS_EVERY = 2000

ENGAGEMENT = Field(
    "engagement",
    "engagement",
    ("engagement", "contract", "engagement reference", "contract reference"),
    help_text="Its reference or external id; needed unless given for the whole file.",
)
LEVEL = Field(
    "service_level",
    "service level",
    ("service level", "level", "sla", "sla name", "metric", "service level name"),
    required=True,
)
NUMBER = Field(
    "number",
    "number",
    ("number", "id", "source id", "ticket", "ticket number", "ticket id", "reference"),
)


@dataclass(frozen=True)
class LevelPlace:
    """A service level as a line may name it."""

    level_id: int
    name: str
    measured_by: str


@dataclass(frozen=True)
class ContractPlace:
    """A contract as a line may name it, with its levels by folded name."""

    contract_id: int
    reference: str
    zone: ZoneInfo
    levels: dict[str, LevelPlace]


@dataclass(frozen=True)
class Known:
    """The contracts that lines may be about; `find` takes a reference or other id."""

    find: Callable[[str], ContractPlace | None]
    of_file: ContractPlace | None = None


@dataclass
class Account:
    """Every line accounted for: `read` = accepted lines + refused lines."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    read: int = 0
    blank_lines: int = 0
    twice_shown: int = 0

    @property
    def refused(self) -> int:
        return len({problem.line for problem in self.problems})

    def pass_over(self, line: int) -> None:
        """Leave out a line that was counted as read: the template's example."""
        self.read -= 1
        self.notes.append(Note(line, "the template's example, passed over"))

    def all_notes(self) -> list[Note]:
        if not self.twice_shown:
            return self.notes
        return [
            *self.notes,
            Note(
                0,
                f"{self.twice_shown:,} times fall into an hour that the clock shows"
                " twice, and were taken for the first.",
            ),
        ]


class LineFaultError(Exception):
    """The line can't be used; every reason stands in the account."""


@dataclass
class Cells:
    """One line's cells by field; what can't be read is noted, and refuses the line."""

    line: Line
    places: dict[str, int]
    account: Account
    dates: DateReading
    has_failed: bool = False

    def text(self, name: str) -> str:
        position = self.places.get(name)
        if position is None or position >= len(self.line.cells):
            return ""
        return self.line.cells[position].strip()

    def is_blank(self, name: str) -> bool:
        return is_blank(self.text(name))

    def refuse(self, name: str, reason: str, advice: str) -> None:
        self.has_failed = True
        self.account.problems.append(
            Problem(self.line.number, name, reason, advice, shown(self.text(name)))
        )

    def parse(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return what the cell says, or None where it can't be read."""
        try:
            return parse(self.text(name))
        except Unreadable as finding:
            self.refuse(name, finding.reason, finding.advice)
            return None

    def words(self, name: str, longest: int) -> str:
        return self.parse(name, lambda text: parse_words(text, longest=longest)) or ""

    def moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        """Return the moment, or None for a blank or unreadable one."""
        if self.is_blank(name):
            return None
        found = self.parse(name, lambda text: parse_moment(text, self.dates, zone))
        return self._taken(found)

    def _taken(self, found: Moment | None) -> datetime | None:
        if found is None:
            return None
        self.account.twice_shown += found.is_first_of_two
        return found.at

    def contract(self, known: Known) -> ContractPlace | None:
        text = self.text("engagement")
        if not text:
            if known.of_file is None:
                self.refuse(
                    "engagement",
                    "names no engagement",
                    "Give its reference, such as MSC-00012, or one for the file.",
                )
            return known.of_file
        found = known.find(text.casefold())
        if found is None:
            self.refuse(
                "engagement",
                "is no managed-service contract",
                "Give its reference, such as MSC-00012, or its external id.",
            )
        return found

    def level(
        self, contract: ContractPlace, measured_by: Sequence[str]
    ) -> LevelPlace | None:
        found = contract.levels.get(
            " ".join(self.text("service_level").split()).casefold()
        )
        if found is None:
            names = ", ".join(level.name for level in contract.levels.values())
            self.refuse(
                "service_level",
                f"is no service level of {contract.reference}",
                f"Its levels: {names}." if names else "Add the level to it first.",
            )
            return None
        if found.measured_by not in measured_by:
            self.refuse(
                "service_level",
                f"is measured by {found.measured_by}",
                "Change how the level is measured, or import another kind of file.",
            )
            return None
        return found


def each_line(
    table: Table,
    mapping: ColumnMapping,
    account: Account,
    *,
    date_fields: Sequence[str],
    explicit_format: str,
    latest: date,
    on_progress: Callable[[int], None],
) -> Iterator[Cells]:
    """Yield the cells of each line that holds any, in the file's order.

    The order of day and month is what the columns of dates prove, else day first.
    """
    places = mapping.positions()
    evidence = _date_order(table, [places[n] for n in date_fields if n in places])
    if not evidence.is_proved and not explicit_format:
        account.notes.append(
            Note(0, "Dates were read with the day before the month; none contradicts.")
        )
    dates = DateReading(evidence.order, latest, explicit_format)
    count = 0
    for count, line in enumerate(table.lines(), start=1):
        if count % PROGRESS_EVERY == 0:
            on_progress(count)
        if line.is_blank:
            account.blank_lines += 1
            continue
        account.read += 1
        cells = Cells(line, places, account, dates)
        if line.fault:
            account.problems.append(
                Problem(line.number, "line", line.fault, "Correct the line.")
            )
            continue
        yield cells
    on_progress(count)


def _date_order(table: Table, positions: Sequence[int]) -> DateOrderEvidence:
    def texts() -> Iterator[str]:
        for line in table.lines():
            for position in positions:
                if not line.fault and position < len(line.cells):
                    yield line.cells[position]

    # Where years come first there is nothing to find out.
    return date_order_of(texts()) if positions else DateOrderEvidence()
