"""Opens a file as a table by what it holds, whatever its name says."""

from pathlib import Path

from tracker.imports.json_documents import read_json
from tracker.imports.problems import UnreadableFileError
from tracker.imports.tables import Recognise, Table, check_size
from tracker.imports.text_files import read_text
from tracker.imports.workbooks import read_workbook

_SAVE_AS = "Save it as CSV (UTF-8), XLSX or JSON."
_KNOWN_BUT_NOT_READ = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (XLS) or one with a password",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a compressed file",
    b"<": "an HTML or XML page",
}


def open_table(path: Path, recognise: Recognise) -> Table:
    """Return the file's table: CSV, XLSX or JSON, told apart by content.

    `recognise` says how many fields a row of column names stands for; the header is
    the row that scores best. Raises UnreadableFileError, with what to do.
    """
    check_size(path)
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK\x03\x04"):
        return read_workbook(path, recognise)
    shown = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, name in _KNOWN_BUT_NOT_READ.items():
        if shown.startswith(mark):
            raise UnreadableFileError(f"This is {name}. {_SAVE_AS}")
    if shown.startswith((b"[", b"{")):
        return read_json(path)
    return read_text(path, recognise)
