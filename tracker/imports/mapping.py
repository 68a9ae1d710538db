"""Which column holds which field: suggested from the header's words, then corrected."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tracker.imports.problems import MappingError, shown

# Below this likeness two names are two names: “catergory” and “category” have 0.94.
LIKENESS = 0.86
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Currency words say nothing about which field a column is.
_CURRENCY_WORDS = frozenset({"gbp", "eur", "usd"})


@dataclass(frozen=True)
class Field:
    """What an import needs to know of a line, and the names its column goes by."""

    name: str
    label: str
    synonyms: tuple[str, ...]
    required: bool = False
    help_text: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A column for a field; `likeness` is 1 where the words are the same."""

    field: str
    column: str
    likeness: float


@dataclass(frozen=True)
class ColumnMapping:
    """Field names to columns of one table."""

    columns: tuple[str, ...]
    by_field: Mapping[str, str]

    def positions(self) -> dict[str, int]:
        return {
            field: self.columns.index(column) for field, column in self.by_field.items()
        }

    @property
    def unused_columns(self) -> list[str]:
        used = set(self.by_field.values())
        return [column for column in self.columns if column not in used]


def normalise_header(name: str) -> str:
    """Return the name's words in lower case: “Amount (£)” gives “amount”."""
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name)).casefold()
    words = _NOT_A_WORD.sub(" ", text).split()
    return " ".join([word for word in words if word not in _CURRENCY_WORDS] or words)


def recognised_fields(cells: Sequence[str], fields: Sequence[Field]) -> int:
    """Return how many of the fields a row of cells names."""
    if len(cells) > 1000:
        return 0
    return len(suggest_columns([cell for cell in cells if len(cell) < 80], fields))


def suggest_columns(
    columns: Sequence[str], fields: Sequence[Field]
) -> list[Suggestion]:
    """Return the likeliest column for each field, no column twice.

    The same words win over like ones, and an earlier synonym over a later one.
    """
    candidates = sorted(
        (
            (-likeness, rank, order, position, field.name, column)
            for order, field in enumerate(fields)
            for position, column in enumerate(columns)
            for likeness, rank in [_likeness(column, field)]
            if likeness >= LIKENESS
        ),
    )
    by_field: dict[str, Suggestion] = {}
    taken: set[int] = set()
    for likeness, _, _, position, field_name, column in candidates:
        if field_name not in by_field and position not in taken:
            by_field[field_name] = Suggestion(field_name, column, -likeness)
            taken.add(position)
    return [by_field[field.name] for field in fields if field.name in by_field]


def _likeness(column: str, field: Field) -> tuple[float, int]:
    header = normalise_header(column)
    if not header:
        return 0.0, 0
    if header in field.synonyms:
        return 1.0, field.synonyms.index(header)
    matches = [
        (SequenceMatcher(None, header, synonym).ratio(), -rank)
        for rank, synonym in enumerate(field.synonyms)
        if abs(len(header) - len(synonym)) <= 3
    ]
    likeness, rank = max(matches, default=(0.0, 0))
    return likeness, -rank


def map_columns(
    columns: tuple[str, ...],
    fields: Sequence[Field],
    corrections: Mapping[str, str] | None = None,
) -> ColumnMapping:
    """Return the suggested mapping with the corrections laid over it.

    A correction names a field and its column, or an empty text for “no column”.
    Raises MappingError where a field or column does not exist.
    """
    suggested = {item.field: item.column for item in suggest_columns(columns, fields)}
    known = {field.name for field in fields}
    chosen = dict(corrections or {})
    for name, column in chosen.items():
        if name not in known:
            raise MappingError(
                f"There is no field “{shown(name)}”. Fields: {_listed(known)}."
            )
        if column and column not in columns:
            raise MappingError(
                f"There is no column “{shown(column)}” for {name}. Columns found:"
                f" {_listed(columns)}."
            )
    freed = set(chosen.values())
    kept = {name: column for name, column in suggested.items() if column not in freed}
    by_field = {name: column for name, column in (kept | chosen).items() if column}
    return ColumnMapping(columns, by_field)


def check_required(mapping: ColumnMapping, fields: Sequence[Field]) -> None:
    """Raise MappingError naming each required field that no column is given for."""
    missing = [
        field
        for field in fields
        if field.required and field.name not in mapping.by_field
    ]
    if missing:
        names = ", ".join(f"{field.label} ({field.name})" for field in missing)
        raise MappingError(
            f"No column for {names}. Columns found: {_listed(mapping.columns)}. Say"
            f" which it is, such as --map {missing[0].name}=“column”."
        )


def _listed(names: Sequence[str] | set[str]) -> str:
    ordered = names if isinstance(names, Sequence) else sorted(names)
    return ", ".join(shown(name) for name in ordered)
