"""What the kinds about performance share: how a file is read and accounted for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.utils import timezone

from engagements.models import User
from tracker.imports.kinds import Batch, Progress, Source, check_options
from tracker.imports.mapping import ColumnMapping, Field, check_required
from tracker.imports.performance_lines import (
    Account,
    Cells,
    ContractPlace,
    Known,
    each_line,
)
from tracker.imports.performance_places import known_contracts
from tracker.imports.performance_report import PerformanceReport
from tracker.imports.problems import MappingError, Problem
from tracker.imports.report import Report
from tracker.performance.services import Measured

# Clocks of other systems may be a little ahead; a day more is a slip of the pen.
AHEAD = timedelta(days=1)
# Below the number of parameters that every SQLite takes in one statement.
BATCH = 900


class Keyed(Protocol):
    """A line that says which record it is, and what it says of it."""

    @property
    def key(self) -> tuple[int, str]: ...

    @property
    def facts(self) -> tuple[Any, ...]: ...

    @property
    def number(self) -> int: ...


L = TypeVar("L", bound=Keyed)
T = TypeVar("T")


class PerformanceKind(ABC, Generic[L]):
    """One kind of lines about contracts: read one by one, compared, stored."""

    name: str
    label: str
    fields: Sequence[Field]
    date_fields: Sequence[str]
    options: Sequence[str] = ("date_format", "engagement")
    permissions: Sequence[str] = ()
    wants_all_rows = True
    report_type: type[Report] = PerformanceReport

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        check_required(mapping, self.fields)
        if "engagement" not in mapping.by_field and not options.get("engagement"):
            raise MappingError(
                "No column for engagement. Say which it is, such as"
                " --map engagement=“column”, or which engagement the whole file is"
                " about: --engagement MSC-00012."
            )
        known_contracts(options.get("engagement") or "")

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        known = known_contracts(options.get("engagement") or "")
        account = Account()
        latest = timezone.now() + AHEAD
        lines: dict[tuple[int, str], L] = {}
        for cells in each_line(
            source.table,
            source.mapping,
            account,
            date_fields=self.date_fields,
            explicit_format=options.get("date_format") or "",
            latest=self.latest_day(latest),
            on_progress=on_progress,
        ):
            line = self._line(cells, known, latest)
            if line is None:
                continue
            first = lines.setdefault(line.key, line)
            if first is not line:
                _refuse_second(cells, first.number)
        return PerformanceBatch(self, account, list(lines.values()))

    def latest_day(self, latest: datetime) -> date:
        return latest.date()

    def _line(self, cells: Cells, known: Known, latest: datetime) -> L | None:
        contract = cells.contract(known)
        line = None if contract is None else self.line(cells, contract, latest)
        return None if cells.has_failed else line

    @abstractmethod
    def line(self, cells: Cells, contract: ContractPlace, latest: datetime) -> L | None:
        """Return what the line says; what is wrong with it goes into its cells."""

    @abstractmethod
    def recorded(self, lines: Sequence[L]) -> Mapping[tuple[int, str], tuple[Any, ...]]:
        """Return the facts that are stored already, by key."""

    @abstractmethod
    def store(
        self, lines: Sequence[L], *, run_id: UUID, actor: User | None
    ) -> list[Measured]:
        """Store new and changed lines."""


def _refuse_second(cells: Cells, first_line: int) -> None:
    cells.refuse(
        "number" if "number" in cells.places else "engagement",
        f"stands in line {first_line} already",
        "Keep one of the two lines.",
    )


class PerformanceBatch(Generic[L]):
    """The accepted lines of one file on their way into the records."""

    def __init__(
        self, kind: PerformanceKind[L], account: Account, lines: list[L]
    ) -> None:
        self.kind = kind
        self.account = account
        self.lines = lines
        self.to_store: list[L] = []
        self.report: Report | None = None

    def plan(self, report: Report) -> None:
        recorded = self.kind.recorded(self.lines)
        new = [line for line in self.lines if line.key not in recorded]
        changed = [
            line
            for line in self.lines
            if line.key in recorded and recorded[line.key] != line.facts
        ]
        self.to_store = [*new, *changed]
        self.report = report
        problems: list[Problem] = self.account.problems
        report.problems = sorted(problems, key=lambda problem: problem.line)
        report.notes = self.account.all_notes()
        report.read = self.account.read
        report.blank_lines = self.account.blank_lines
        report.refused = self.account.refused
        report.new = len(new)
        report.already_recorded = len(self.lines) - len(new)
        if isinstance(report, PerformanceReport):
            report.changed = len(changed)
            report.already_recorded -= report.changed

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        measured = self.kind.store(self.to_store, run_id=run_id, actor=actor)
        if isinstance(self.report, PerformanceReport):
            self.report.windows = sum(one.windows for one in measured)
            self.report.missed = sum(one.missed for one in measured)


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    ordered = list(values)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def by_contract(lines: Iterable[L], place: Callable[[L], int]) -> dict[int, list[L]]:
    found: dict[int, list[L]] = {}
    for line in lines:
        found.setdefault(place(line), []).append(line)
    return found
