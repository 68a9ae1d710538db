"""The kinds of file that can be imported: one file each, registered by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from engagements.models import User
from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.report import Report
from tracker.imports.tables import Table

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Source:
    """A file as opened: its table, the columns chosen and where it comes from."""

    file_name: str
    sha256: str
    table: Table
    mapping: ColumnMapping


class Batch(Protocol):
    """A file that has been read through and waits to be compared and stored."""

    def plan(self, report: Report) -> None:
        """Complete the report by comparing the file with what is stored."""

    def apply(self, *, run_id: Any, actor: User | None) -> None:
        """Store what was planned; in the transaction of the caller."""


class Kind(Protocol):
    """One kind of input. A new one is a new file that registers it, named below."""

    name: str
    label: str
    fields: Sequence[Field]

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        """Raise MappingError or OptionError where the file can't be read so."""

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        """Judge every line by itself; what is refused goes into the report."""


# A kind's file registers it when it is first asked for.
_FILES = {"payments": "tracker.imports.payments"}
_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    if kind.name in _KINDS:
        raise ValueError(f"There are two import kinds named {kind.name}.")
    _KINDS[kind.name] = kind
    return kind


def kind_named(name: str) -> Kind:
    """Return the kind; raises KeyError for a name that no file has."""
    if name not in _KINDS:
        import_module(_FILES[name])
    return _KINDS[name]


def kind_names() -> list[str]:
    return sorted(_FILES)
