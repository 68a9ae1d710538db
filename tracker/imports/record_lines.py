"""Lines of a table to records' values: every cell judged, every finding kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tracker.imports.columns import Column, Form
from tracker.imports.mapping import ColumnMapping
from tracker.imports.parsing import Unreadable
from tracker.imports.problems import Note, Problem, UnreadableFileError, shown
from tracker.imports.record_cells import Cell, CellReading, parse_cell, reading_of
from tracker.imports.tables import Line, Table

# Each is stored by itself, twice: once on trial.
MOST_RECORDS = 20_000
PROGRESS_EVERY = 500


@dataclass
class RecordLine:
    """What one line says. A column that the file lacks is not in `values`.

    None stands for a cell left blank to empty what is recorded. `failed` names the
    cells that couldn't be read.
    """

    number: int
    values: dict[str, Cell | None]
    failed: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """Return the cell as a person wrote it; empty where there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value)


@dataclass
class RecordFile:
    """Every line accounted for; those with problems are among the lines too."""

    lines: list[RecordLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    read: int = 0
    blank_lines: int = 0


def read_records(
    *,
    table: Table,
    mapping: ColumnMapping,
    columns: Sequence[Column],
    example: str,
    date_format: str,
    decimal_comma: bool,
    on_progress: Callable[[int], None],
) -> RecordFile:
    """Read every line; `example` is the cell by which a template's row is known."""
    positions = mapping.positions()
    places = {
        column.name: (column, positions[column.name])
        for column in columns
        if column.name in positions
    }
    reading = reading_of(
        list(_dates(table, places)),
        date_format=date_format,
        decimal_comma=decimal_comma,
    )
    reader = _Reader(table.columns, places, reading, example)
    count = 0
    for count, line in enumerate(table.lines(), start=1):
        reader.take(line)
        if count % PROGRESS_EVERY == 0:
            on_progress(count)
    on_progress(count)
    reader.tell_date_order()
    return reader.file


Places = Mapping[str, tuple[Column, int]]


def _dates(table: Table, places: Places) -> Iterator[str]:
    days = [place for column, place in places.values() if column.form is Form.DAY]
    for line in table.lines():
        if not line.fault:
            yield from (_at(line, place) for place in days)


def _at(line: Line, place: int) -> str:
    return line.cells[place] if place < len(line.cells) else ""


class _Reader:
    """Takes the lines of one file in turn."""

    def __init__(
        self,
        header: tuple[str, ...],
        places: Places,
        reading: CellReading,
        example: str,
    ) -> None:
        self.header = header
        self.places = places
        self.reading = reading
        self.example = example
        self.file = RecordFile()

    def take(self, line: Line) -> None:
        if line.is_blank:
            self.file.blank_lines += 1
        elif self.example in line.cells:
            text = "the template's example, passed over"
            self.file.notes.append(Note(line.number, text))
        else:
            self._read(line)

    def _read(self, line: Line) -> None:
        self.file.read += 1
        if self.file.read > MOST_RECORDS:
            raise UnreadableFileError(
                f"The file has more than {MOST_RECORDS:,} records. Split it and import"
                " the parts one after the other."
            )
        fault = line.fault or self._excess(line)
        if fault:
            advice = "Correct the line; cells with a comma inside need quotation marks."
            raw = " | ".join(line.cells)
            self._refuse(line, "line", Unreadable(fault, advice), raw)
            return
        self.file.lines.append(self._record(line))

    def _excess(self, line: Line) -> str:
        if any(cell.strip() for cell in line.cells[len(self.header) :]):
            width = len(self.header)
            return f"has {len(line.cells)} cells where the header has {width}"
        return ""

    def _record(self, line: Line) -> RecordLine:
        values: dict[str, Cell | None] = {}
        failed = set()
        for name, (column, place) in self.places.items():
            raw = _at(line, place)
            try:
                value = parse_cell(column, raw, self.reading)
            except Unreadable as finding:
                self._refuse(line, name, finding, raw)
                failed.add(name)
                continue
            if value is not None or column.may_be_blank:
                values[name] = value
        return RecordLine(line.number, values, frozenset(failed))

    def _refuse(self, line: Line, name: str, finding: Unreadable, raw: str) -> None:
        self.file.problems.append(
            Problem(line.number, name, finding.reason, finding.advice, shown(raw))
        )

    def tell_date_order(self) -> None:
        dates = self.reading.dates
        if dates.order == "month_first" and not dates.explicit_format:
            text = "Dates are read month first, as some of them can only be."
            self.file.notes.append(Note(0, text))
