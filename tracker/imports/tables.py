"""Tables out of files: what every format is brought to before its content is judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tracker.imports.problems import UnreadableFileError

# How far down a header is looked for, above it titles and blank lines may stand.
HEADER_SEARCH_LINES = 30
LARGEST_FILE_BYTES = 64 * 1024 * 1024
MOST_COLUMNS = 200
# As many as a spreadsheet program shows of it.
MOST_LINES = 1_048_576

# Says how many fields of the import a row of cells names.
Recognise = Callable[[Sequence[str]], int]


class Line(NamedTuple):
    """One line of the file as text, or the fault for which it can't be taken apart."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.fault and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """The lines below a header. `lines()` may be called again: it starts anew."""

    file_format: str
    columns: tuple[str, ...]
    header_line: int
    lines: Callable[[], Iterator[Line]]
    # How it was read, in words, for the report: encoding, delimiter, sheet.
    reading: Mapping[str, str] = field(default_factory=dict)
    # What the document says about all of its lines, such as their currency.
    defaults: Mapping[str, str] = field(default_factory=dict)


class Header(NamedTuple):
    rows_above: int
    number: int
    columns: tuple[str, ...]
    recognised: int


def find_header(lines: Iterator[Line], recognise: Recognise) -> Header | None:
    """Return the row that names most fields; the first row where none names two.

    Returns None for a file without any row.
    """
    best: Header | None = None
    for index, line in enumerate(islice(lines, HEADER_SEARCH_LINES)):
        if line.fault or line.is_blank:
            continue
        header = Header(
            index, line.number, column_names(line.cells), recognise(line.cells)
        )
        if best is None or header.recognised > max(best.recognised, 1):
            best = header
    return best


def column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return one name per column: trailing blanks dropped, repeated names numbered."""
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, start=1):
        name = name or f"column {position}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)


def check_size(path: Path) -> None:
    size = path.stat().st_size
    if not size:
        raise UnreadableFileError("The file is empty.")
    if size > LARGEST_FILE_BYTES:
        raise UnreadableFileError(
            f"The file has {size / 1e6:,.0f} MB; at most"
            f" {LARGEST_FILE_BYTES / 1e6:,.0f} MB are read. Split it and import the"
            " parts one after the other."
        )
