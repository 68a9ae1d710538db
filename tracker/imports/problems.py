"""What an import says about a file: refusals by line, and why it can't be read."""

import re
from dataclasses import dataclass

from engagements.values.language import gettext as _

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONGEST_SHOWN = 200


class ImportRefusedError(Exception):
    """The file or its mapping can't be used at all; the message says what to do."""


class UnreadableFileError(ImportRefusedError):
    """The content is not a table that can be read, or exceeds a limit."""


class MappingError(ImportRefusedError):
    """A needed column is missing, or a chosen field or column does not exist."""


class OptionError(ImportRefusedError):
    """An option of the import has a value that can't be used."""


def shown(text: str) -> str:
    """Return the text safe to print and to store: escapes made visible, cut short."""
    visible = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if len(visible) > _LONGEST_SHOWN:
        return visible[: _LONGEST_SHOWN - 1] + "…"
    return visible


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for which one line is refused.

    `line` is the line of the file, counted from 1 with the header; in JSON the number
    of the item.
    """

    line: int
    field: str
    reason: str
    advice: str
    raw: str = ""

    def __str__(self) -> str:
        found = f" (found “{self.raw}”)" if self.raw else ""
        return f"line {self.line}, {self.field}: {self.reason}{found}. {self.advice}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader should know that refuses nothing; line 0 is the whole file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


def first_beyond(line: int, sentence: str) -> Note:
    """Return the note on the first line of a file that goes beyond a budget."""
    return Note(line, f"{sentence} {_('It is the first line that goes beyond.')}")
