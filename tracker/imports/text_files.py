"""Delimited text: encoding, delimiter, header and broken quotes found out by reading.

Encodings are decided line by line: UTF-8 where the bytes are UTF-8, else Windows-1252,
so that one old name in a long file costs nothing but itself.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tracker.imports.problems import UnreadableFileError
from tracker.imports.tables import (
    MOST_COLUMNS,
    MOST_LINES,
    Header,
    Line,
    Recognise,
    Table,
    find_header,
)

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# A quoted cell that runs on for longer is a quote that someone forgot to close.
MOST_LINES_IN_A_CELL = 300
# So often it is tried whether a record is whole: quotes on every line cost no more.
_MOST_TRIES = 20
_SAMPLE_BYTES = 65_536
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BROKEN_QUOTES = "its quotation marks don't match"


def read_text(path: Path, recognise: Recognise) -> Table:
    """Return the table in a file of delimited text."""
    sample = _sample(path)
    delimiter, header = _best_reading(path, recognise)
    if len(header.columns) > MOST_COLUMNS:
        raise UnreadableFileError(
            f"The header has {len(header.columns)} columns; at most {MOST_COLUMNS} are"
            " read."
        )

    def lines() -> Iterator[Line]:
        for line in _records(path, delimiter):
            if line.number > header.number:
                yield line

    return Table(
        file_format="csv",
        columns=header.columns,
        header_line=header.number,
        lines=lines,
        reading={
            "encoding": _encoding_of(path, sample),
            "delimiter": DELIMITERS[delimiter],
        },
    )


def _sample(path: Path) -> bytes:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.startswith(_UTF16_MARKS):
        return sample
    if sample.count(b"\x00") > len(sample) // 10:
        raise UnreadableFileError(
            "This is not a text file. Save it as CSV (UTF-8), XLSX or JSON."
        )
    return sample


def _best_reading(path: Path, recognise: Recognise) -> tuple[str, Header]:
    readings = []
    for delimiter in DELIMITERS:
        header = find_header(_records(path, delimiter), recognise)
        if header is not None:
            readings.append((header.recognised, len(header.columns), delimiter, header))
    if not readings:
        raise UnreadableFileError("The file holds no line that can be read.")
    _, _, delimiter, header = max(readings, key=lambda reading: reading[:2])
    return delimiter, header


def _physical_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        start = file.read(_SAMPLE_BYTES)
        file.seek(0)
        if start.startswith(_UTF16_MARKS):
            yield from _utf16_lines(path)
            return
        raw_lines = _split_at_returns(file) if _has_only_returns(start) else file
        for number, raw in enumerate(raw_lines):
            yield _decoded(raw.removeprefix(b"\xef\xbb\xbf") if number == 0 else raw)


def _utf16_lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-16") as file:
            yield from file
    except UnicodeError as error:
        raise UnreadableFileError(
            "The file begins as UTF-16 but isn't. Save it as CSV (UTF-8)."
        ) from error


def _has_only_returns(start: bytes) -> bool:
    return b"\r" in start and b"\n" not in start


def _split_at_returns(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := file.read(_SAMPLE_BYTES):
        *whole, rest = (rest + chunk).split(b"\r")
        yield from whole
    if rest:
        yield rest


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        # Five bytes mean nothing in Windows-1252; as Latin-1 they become control
        # characters, for which the line is refused when its text is read.
        return raw.decode("latin-1")


def _encoding_of(path: Path, sample: bytes) -> str:
    if sample.startswith(_UTF16_MARKS):
        return "UTF-16"
    old = new = 0
    with path.open("rb") as file:
        for raw in file:
            if raw.isascii():
                continue
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                old += 1
            else:
                new += 1
    if old and new:
        return f"UTF-8, with Windows-1252 on {old} lines"
    return "Windows-1252" if old else "UTF-8"


def _records(path: Path, delimiter: str) -> Iterator[Line]:
    """Yield each record with the number of the line on which it begins.

    A record that no quotation mark ends within a few lines is given as a fault on its
    first line alone, and reading goes on with the next: one forgotten quote can't
    swallow the rest of the file.
    """
    source = enumerate(_physical_lines(path), start=1)
    waiting: list[tuple[int, str]] = []
    while waiting or (waiting := _next_line(source)):
        number, text = waiting.pop(0)
        if number > MOST_LINES:
            raise UnreadableFileError(
                f"The file has more than {MOST_LINES:,} lines. Split it and import the"
                " parts one after the other."
            )
        cells = _cells(text, delimiter)
        if cells is None:
            cells, waiting = _longer_record(text, waiting, source, delimiter)
        if cells is None:
            yield Line(number, (text.rstrip("\r\n"),), _BROKEN_QUOTES)
        else:
            yield Line(number, cells)


def _next_line(source: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    line = next(source, None)
    return [] if line is None else [line]


def _longer_record(
    text: str,
    waiting: list[tuple[int, str]],
    source: Iterator[tuple[int, str]],
    delimiter: str,
) -> tuple[tuple[str, ...] | None, list[tuple[int, str]]]:
    """Return the cells once following lines are added, and the lines then left."""
    quotes = text.count('"')
    tries = 0
    for position in range(MOST_LINES_IN_A_CELL):
        if position >= len(waiting):
            waiting = waiting + _next_line(source)
        if position >= len(waiting):
            break
        following = waiting[position][1]
        text += following
        quotes += following.count('"')
        if quotes % 2 or '"' not in following:
            continue
        tries += 1
        cells = _cells(text, delimiter)
        if cells is not None:
            return cells, waiting[position + 1 :]
        if tries == _MOST_TRIES:
            break
    return None, waiting


def _cells(text: str, delimiter: str) -> tuple[str, ...] | None:
    ended = text.rstrip("\r\n")
    if '"' not in ended:
        return tuple(ended.split(delimiter)) if ended else ()
    try:
        return tuple(next(csv.reader([ended], delimiter=delimiter, strict=True)))
    except (csv.Error, StopIteration):
        return None
