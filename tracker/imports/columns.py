"""What a column of a file of records holds: read by imports, written by exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tracker.imports.mapping import Field, normalise_header


class Form(Enum):
    """How a cell is written; what a cell of each form is read as."""

    TEXT = "text"  # str
    PROSE = "prose"  # str of several lines
    CURRENCY = "currency"  # str
    COUNTRY = "country"  # str
    WORD = "word"  # str, one of `words`
    YES_NO = "yes_no"  # bool
    WHOLE = "whole"  # int
    NUMBER = "number"  # Decimal of at most `places`
    DAY = "day"  # date
    LIST = "list"  # tuple of str


@dataclass(frozen=True)
class Column:
    """One column. Its label is the header that exports write."""

    name: str
    label: str
    form: Form = Form.TEXT
    synonyms: tuple[str, ...] = ()
    help_text: str = ""
    example: str = ""
    longest: int = 200
    places: int = 0
    words: tuple[str, ...] = ()
    # Needed where the line makes a new record.
    is_needed: bool = False
    # A blank cell empties it; elsewhere a blank leaves what is recorded as it is.
    may_be_blank: bool = False
    # The one model of engagement that has it; empty for both.
    model: str = ""
    is_money: bool = False
    # What a reader of an export has to be allowed, beyond the list itself.
    permission: str = ""
    # Names a row that may lie outside what a reader sees; not told to those.
    is_of_any_scope: bool = False
    # Told in exports, never read.
    is_told_only: bool = False
    # Whether it must be there, in words, where the above doesn't tell.
    need: str = ""
    # Names another record: by code, name or reference.
    is_reference: bool = False

    def as_field(self) -> Field:
        names = (
            normalise_header(self.label),
            normalise_header(self.name),
            *self.synonyms,
        )
        return Field(
            self.name,
            self.label[0].lower() + self.label[1:],
            tuple(dict.fromkeys(names)),
            help_text=self.help_text,
        )


def fields_of(columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return what an import looks for in the header."""
    return tuple(column.as_field() for column in columns if not column.is_told_only)


def by_name(columns: Sequence[Column]) -> Mapping[str, Column]:
    return {column.name: column for column in columns}
