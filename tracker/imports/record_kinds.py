"""What the kinds of record files share: judged cell by cell, then tried for real.

A dry run does what the import would do, through the same services and in the same
order, and takes it back: so each line is told every reason for which a person's change
would be refused too, and what earlier lines of the file mean for it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet

from engagements.errors import ApprovalNeededError, TrackerError
from engagements.models import User
from tracker.imports.columns import Column, by_name, fields_of
from tracker.imports.kinds import Batch, Progress, Source, check_options
from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.parsing import Unreadable
from tracker.imports.problems import (
    MappingError,
    Note,
    Problem,
    UnreadableFileError,
    shown,
)
from tracker.imports.record_cells import joined, same_text
from tracker.imports.record_lines import RecordFile, RecordLine, read_records
from tracker.imports.record_report import RecordReport
from tracker.imports.report import Report

R = TypeVar("R", bound=Model)
# How many records are held in memory at once.
BATCH = 500
# New and changed records of one file: each is stored twice, once on trial, while other
# writers may have to wait.
MOST_STORED = 5_000
# Changes told one by one, and so what else there is to know; more are counted.
MOST_NOTES = 200
_ADVICE = "Correct it in the file."
_ADVICE_TO_ASK = "Leave it as recorded in the file, and do this in the admin."
OTHER_ID = Unreadable(
    "differs from the external id that is recorded",
    "Correct it; where it has really changed, give the record id too, as exported.",
)


@dataclass(frozen=True)
class Step:
    """What is to be stored for one line, or for several that only hold together.

    `store` returns what a reader should know of it, where there is anything.
    """

    lines: tuple[RecordLine, ...]
    store: Callable[[User | None], Sequence[str] | None]
    is_new: bool
    # What changes, in words.
    told: str = ""


@dataclass
class Plan:
    """What a file comes to before anything was tried."""

    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: int = 0

    def refuse(self, line: RecordLine, column: str, finding: Unreadable) -> None:
        line.failed |= {column}
        raw = shown(line.text(column))
        self.problems.append(
            Problem(line.number, column, finding.reason, finding.advice, raw)
        )


class RecordKind(Generic[R]):
    """A kind of file whose lines are records. `columns` serve imports and exports."""

    name: ClassVar[str]
    label: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    # The cell by which the template's example row is known.
    example: ClassVar[str]
    # One of these has to be in the file, to say which records it is about.
    identifying: ClassVar[Sequence[str]]
    # Needed of who imports, beyond the right to import at all.
    permissions: ClassVar[Sequence[str]]
    options: ClassVar[Sequence[str]] = ("date_format", "decimal_comma")
    wants_all_rows: ClassVar[bool] = True
    report_type: ClassVar[type[Report]] = RecordReport
    # Names of fields that services refuse, where the column has another name.
    aliases: ClassVar[Mapping[str, str]] = {}

    @property
    def fields(self) -> Sequence[Field]:
        return fields_of(self.columns)

    @property
    def template(self) -> Sequence[Column]:
        return self.columns

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        if not set(self.identifying) & set(mapping.by_field):
            columns = by_name(self.columns)
            names = ", ".join(
                f"{columns[name].label} ({name})" for name in self.identifying
            )
            found = ", ".join(map(shown, mapping.columns))
            raise MappingError(
                f"No column says which {self.name} the lines are about: give one of"
                f" {names}. Columns found: {found}."
            )

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        file = read_records(
            table=source.table,
            mapping=source.mapping,
            columns=self.columns,
            example=self.example,
            date_format=str(options.get("date_format") or ""),
            decimal_comma=bool(options.get("decimal_comma")),
            on_progress=on_progress,
        )
        return RecordBatch(self, file)

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        """Compare the lines with what is recorded; by few queries, storing nothing."""
        raise NotImplementedError

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows of cells by column name, in the order of the ids.

        Without a user, who may see everything.
        """
        raise NotImplementedError

    def field_of(self, name: str) -> str:
        """Return the column on which a service's refusal is told."""
        column = self.aliases.get(name, name)
        known = {column.name for column in self.columns}
        return column if column in known else "line"


def needed_but_missing(
    line: RecordLine, columns: Sequence[Column], model: str = ""
) -> Iterator[Problem]:
    """Yield what a new record lacks."""
    for column in columns:
        if not column.is_needed or column.name in line.failed:
            continue
        if column.model in ("", model) and line.values.get(column.name) is None:
            yield Problem(
                line.number,
                column.name,
                "is blank, and a new record needs it",
                "Fill it in, or say which record is meant by its reference or id.",
            )


def is_other_id(line: RecordLine, before: Mapping[str, Any]) -> bool:
    """Whether a line known by its name alone gives a recorded id another value."""
    given, recorded = line.text("external_id"), before["external_id"]
    return bool(given and recorded and given != recorded and not line.text("id"))


def told_changes(
    columns: Sequence[Column],
    changes: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    personal: frozenset[str],
) -> str:
    """Return the changes in words; of personal fields only that they change."""
    known = by_name(columns)
    return ", ".join(
        f"{known[name].label} changes"
        if name in personal
        else f"{known[name].label} “{_word(before.get(name))}” → “{_word(after[name])}”"
        for name in changes
    )


def _word(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return shown(joined(value))
        case _:
            return shown(str(value))


def is_same(recorded: Any, given: Any) -> bool:
    if isinstance(recorded, str) and isinstance(given, str):
        return same_text(recorded) == same_text(given)
    return bool(_or_none(recorded) == _or_none(given))


def _or_none(value: Any) -> Any:
    return None if value in ("", ()) else value


def batches(values: Sequence[R] | Sequence[int]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def records_in_order(rows: "QuerySet[R]", ids: Sequence[int]) -> Iterator[R]:
    """Yield the records of the ids in their order, a batch at a time."""
    for part in batches(ids):
        found = rows.in_bulk(part)
        yield from (found[one] for one in part if one in found)


class RecordBatch:
    """The lines of one file on their way to the services."""

    def __init__(self, kind: RecordKind[Any], file: RecordFile) -> None:
        self.kind = kind
        self.file = file
        self.steps: list[Step] = []
        self.told: list[Note] = []

    def plan(self, report: Report) -> None:
        with transaction.atomic():
            self._try(report)
            # A trial: the services are asked, and nothing of it stays.
            transaction.set_rollback(True)

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        for step in self.steps:
            step.store(actor)

    def _try(self, report: Report) -> None:
        # What is found now may be found no more at the next attempt.
        plan = self.kind.prepare([replace(line) for line in self.file.lines])
        self._check_number(len(plan.steps))
        problems = [*self.file.problems, *plan.problems]
        refused = {problem.line for problem in problems}
        self.steps = []
        self.told = []
        for step in plan.steps:
            is_refused = any(line.number in refused for line in step.lines)
            found = list(self._refusals(step, is_refused=is_refused))
            problems.extend(found)
            if not is_refused and not found:
                self.steps.append(step)
        self._tell(report, plan, problems)

    def _check_number(self, steps: int) -> None:
        if steps > MOST_STORED:
            raise UnreadableFileError(
                f"The file adds or changes {steps:,} records; at most {MOST_STORED:,}"
                " are stored at once. Split it and import the parts one after the"
                " other."
            )

    def _refusals(self, step: Step, *, is_refused: bool) -> Iterator[Problem]:
        try:
            with transaction.atomic():
                told = step.store(None) or ()
                if is_refused:
                    transaction.set_rollback(True)
        except ValidationError as error:
            for line in step.lines:
                yield from self._told(line, error)
        except TrackerError as error:
            is_to_ask = isinstance(error, ApprovalNeededError)
            advice = _ADVICE_TO_ASK if is_to_ask else _ADVICE
            for line in step.lines:
                yield Problem(line.number, "line", _reason(str(error)), advice)
        else:
            if not is_refused:
                self.told += [Note(step.lines[0].number, text) for text in told]

    def _told(self, line: RecordLine, error: ValidationError) -> Iterator[Problem]:
        by_field: dict[str, list[ValidationError]] = error.update_error_dict({})
        for name, errors in by_field.items():
            column = self.kind.field_of(name)
            # What was left out for being unreadable makes refusals that aren't true.
            if column in line.failed or (line.failed and name == NON_FIELD_ERRORS):
                continue
            for message in ValidationError(errors).messages:
                raw = shown(line.text(column))
                yield Problem(line.number, column, _reason(message), _ADVICE, raw)

    def _tell(self, report: Report, plan: Plan, problems: Iterable[Problem]) -> None:
        assert isinstance(report, RecordReport)  # noqa: S101 - the kind's own type
        report.problems = sorted(
            dict.fromkeys(problems), key=lambda problem: problem.line
        )
        refused = {problem.line for problem in report.problems}
        report.read = self.file.read
        report.blank_lines = self.file.blank_lines
        report.refused = len(refused)
        report.new = sum(len(step.lines) for step in self.steps if step.is_new)
        report.changed = sum(len(step.lines) for step in self.steps if not step.is_new)
        report.already_recorded = plan.unchanged
        report.notes = [*self.file.notes, *self._to_know(), *self._changes()]

    def _to_know(self) -> Iterator[Note]:
        yield from self.told[:MOST_NOTES]
        if len(self.told) > MOST_NOTES:
            yield Note(0, f"{len(self.told) - MOST_NOTES:,} more such notes.")

    def _changes(self) -> Iterator[Note]:
        told = [step for step in self.steps if step.told]
        for step in told[:MOST_NOTES]:
            yield Note(step.lines[0].number, step.told)
        if len(told) > MOST_NOTES:
            yield Note(0, f"{len(told) - MOST_NOTES:,} more records change.")


def _reason(message: str) -> str:
    return message.strip().rstrip(".")
