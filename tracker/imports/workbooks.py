"""XLSX workbooks, measured before they are opened.

A workbook of 100 KB can ask for gigabytes: a zip that unfolds, a cell in the last
column of every row, one long text that a million cells repeat. So the archive is read
as a stream first, at constant memory, and refused where it exceeds a limit; only then
python-calamine reads it.
"""

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, ZipError

from tracker.imports.problems import UnreadableFileError
from tracker.imports.tables import (
    MOST_COLUMNS,
    Header,
    Line,
    Recognise,
    Table,
    find_header,
)

MOST_PARTS = 500
MOST_SHEETS = 30
MOST_ROWS = 200_000
MOST_CELLS = 2_000_000
MOST_UNFOLDED_BYTES = 100 * 1024 * 1024
# What the cells' texts may come to when each repeated text is counted each time.
MOST_TEXT_BYTES = 100 * 1024 * 1024
MOST_CHARACTERS_OF_TAGS = 8 * 1024 * 1024
_CHUNK = 512 * 1024
# A cell's opening tag and its value stand within so many tags.
_TAGS_KEPT = 6
_CELL = re.compile(rb"<(?:\w+:)?c(?:\s[^>]*)?(?<!/)>")
_PLACED_CELL = re.compile(
    rb"<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*[\"']([A-Z]{1,7})(\d{1,9})[\"'][^>]*(?<!/)>"
)
_SHARED_TEXT = re.compile(
    rb"<(?:\w+:)?c\s(?:[^>]*?\s)?t\s*=\s*[\"']s[\"'][^>]*>\s*<(?:\w+:)?v>(\d{1,9})<"
)
_TEXT_END = re.compile(rb"</(?:\w+:)?si\s*>|<(?:\w+:)?si\s*/>")
_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml\Z", re.IGNORECASE)
_TEXTS_PART = re.compile(r"xl/sharedStrings\.xml\Z", re.IGNORECASE)


def read_workbook(path: Path, recognise: Recognise) -> Table:
    """Return the table on the sheet whose header names most fields."""
    check_workbook(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    except (CalamineError, ZipError) as error:
        raise UnreadableFileError(
            "The workbook can't be read. Open it, save it as XLSX without a password,"
            " and try again."
        ) from error
    found = [
        (header, sheet)
        for sheet in sheets
        if (header := find_header(_sheet_lines(sheet), recognise)) is not None
    ]
    if not found:
        raise UnreadableFileError("The workbook holds no row.")
    header, sheet = max(found, key=lambda pair: pair[0].recognised)
    return _table(sheet, header, sheets=len(sheets))


def _table(sheet: CalamineSheet, header: Header, *, sheets: int) -> Table:
    def lines() -> Iterator[Line]:
        return islice(_sheet_lines(sheet), header.rows_above + 1, None)

    return Table(
        file_format="xlsx",
        columns=header.columns,
        header_line=header.number,
        lines=lines,
        reading={"sheet": f"{sheet.name} (of {sheets})"},
    )


def _sheet_lines(sheet: CalamineSheet) -> Iterator[Line]:
    # Rows come from the sheet's first one on, cells from the first filled column on.
    for number, row in enumerate(sheet.iter_rows(), start=1):
        yield Line(number, tuple(_text(cell) for cell in row))


def _text(
    cell: int
    | float
    | str
    | bool
    | datetime.time
    | datetime.date
    | datetime.datetime
    | datetime.timedelta,
) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # A sheet shows and keeps 15 digits; what lies beyond is binary residue.
        return format(Decimal(format(cell, ".15g")), "f")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def check_workbook(path: Path) -> None:
    """Raise UnreadableFileError unless the workbook keeps within every limit."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive.infolist())
            _check_sheets(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnreadableFileError(
            "The file is damaged. Open it, save it as XLSX and try again."
        ) from error
    except RuntimeError as error:  # zipfile's word for a password
        raise UnreadableFileError(
            "The file has a password. Save it as XLSX without one."
        ) from error


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        raise UnreadableFileError(
            "This archive is no XLSX workbook. Save the sheet as XLSX or CSV."
        )
    if len(parts) > MOST_PARTS or len(set(names)) != len(names):
        raise UnreadableFileError("The workbook has too many parts to be read safely.")
    if sum(map(_is_sheet, names)) > MOST_SHEETS:
        raise UnreadableFileError(
            f"The workbook has more than {MOST_SHEETS} sheets. Keep only the one to"
            " import."
        )
    if sum(part.file_size for part in parts) > MOST_UNFOLDED_BYTES:
        raise _too_large()


def _is_sheet(name: str) -> bool:
    return _SHEET_PART.match(name) is not None


def _too_large() -> UnreadableFileError:
    return UnreadableFileError(
        f"Unpacked, the workbook exceeds {MOST_UNFOLDED_BYTES // 1024**2} MB. Save the"
        " sheet to import as CSV."
    )


def _check_sheets(archive: zipfile.ZipFile) -> None:
    text_sizes: list[int] = []
    for part in archive.infolist():
        if _TEXTS_PART.match(part.filename):
            text_sizes = _text_sizes(archive, part)
    for part in archive.infolist():
        if _is_sheet(part.filename):
            _check_sheet(archive, part, text_sizes)


def _chunks(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo
) -> Iterator[tuple[bytes, int]]:
    """Yield overlapping pieces of a part, and up to where matches in each may start."""
    rest = b""
    unfolded = 0
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            unfolded += len(chunk)
            if unfolded > MOST_UNFOLDED_BYTES:
                raise _too_large()
            piece = rest + chunk
            end = len(piece)
            for _ in range(_TAGS_KEPT):
                end = max(piece.rfind(b"<", 0, end), 0)
            yield piece, end
            rest = piece[end:]
            if len(rest) > MOST_CHARACTERS_OF_TAGS:
                raise UnreadableFileError("A cell of the workbook is far too long.")
    yield rest, len(rest)


def _text_sizes(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> list[int]:
    """Return how many bytes each shared text takes, in the order of their numbers."""
    sizes: list[int] = []
    before = 0  # Bytes since the end of the last text, from earlier pieces.
    for piece, end in _chunks(archive, part):
        start = 0
        for match in _TEXT_END.finditer(piece):
            if match.start() >= end:
                break
            sizes.append(before + match.end() - start)
            before, start = 0, match.end()
        before += end - start
    return sizes


def _check_sheet(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, text_sizes: list[int]
) -> None:
    columns: set[bytes] = set()
    last_row = cells = text_bytes = 0
    for piece, end in _chunks(archive, part):
        placed = [
            match.groups()
            for match in _PLACED_CELL.finditer(piece)
            if match.start() < end
        ]
        if len(placed) != _starts_before(_CELL, piece, end):
            raise UnreadableFileError(
                "The workbook has cells without an address. Open it in a spreadsheet"
                " program, save it as XLSX and try again."
            )
        cells += len(placed)
        columns.update(column for column, _ in placed)
        last_row = max([last_row, *(int(row) for _, row in placed)])
        text_bytes += sum(
            text_sizes[int(match[1])]
            for match in _SHARED_TEXT.finditer(piece)
            if match.start() < end and int(match[1]) < len(text_sizes)
        )
        _check_counts(columns, last_row, cells, text_bytes)


def _starts_before(pattern: re.Pattern[bytes], piece: bytes, end: int) -> int:
    return sum(match.start() < end for match in pattern.finditer(piece))


def _check_counts(
    columns: set[bytes], last_row: int, cells: int, text_bytes: int
) -> None:
    width = max(map(_column_number, columns), default=0)
    if width > MOST_COLUMNS:
        raise UnreadableFileError(
            f"A sheet reaches column {width:,}; at most {MOST_COLUMNS} are read. Delete"
            " what stands far to the right."
        )
    if last_row > MOST_ROWS or cells > MOST_CELLS or last_row * width > MOST_CELLS:
        raise UnreadableFileError(
            f"A sheet has {last_row:,} rows and {cells:,} cells; at most"
            f" {MOST_ROWS:,} rows and {MOST_CELLS:,} cells are read. Save it as CSV or"
            " split it."
        )
    if text_bytes > MOST_TEXT_BYTES:
        raise UnreadableFileError(
            "The texts of a sheet exceed"
            f" {MOST_TEXT_BYTES // 1024**2} MB. Save it as CSV or split it."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
