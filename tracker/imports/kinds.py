"""The kinds of file that can be imported: one file each, registered by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from engagements.models import User
from engagements.permissions import sees_all
from tracker.imports.columns import Column
from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.problems import OptionError
from tracker.imports.report import Report
from tracker.imports.tables import Table

PERMISSION = "tracker.add_importrun"
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


@runtime_checkable
class Templated(Protocol):
    """A kind with a template: the columns of a file to fill in, with one example."""

    @property
    def template(self) -> Sequence[Column]: ...


class Kind(Protocol):
    """One kind of input. A new one is a new file that registers it, named below."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def fields(self) -> Sequence[Field]: ...

    @property
    def options(self) -> Sequence[str]:
        """Which of the options that a person may give mean something to it."""

    @property
    def permissions(self) -> Sequence[str]:
        """What who imports needs beyond the right to import at all."""

    @property
    def wants_all_rows(self) -> bool:
        """Whether who imports has to see every row: matching looks at all of them."""

    @property
    def report_type(self) -> type[Report]: ...

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
_FILES = {
    "benchmarks": "tracker.imports.benchmarks",
    "budgets": "tracker.imports.budgets",
    "contractors": "tracker.imports.contractors",
    "downtime": "tracker.imports.downtime",
    "engagements": "tracker.imports.engagements",
    "invoices": "tracker.imports.invoices",
    "measurements": "tracker.imports.measurements",
    "payments": "tracker.imports.payments",
    "terms": "tracker.imports.terms",
    "tickets": "tracker.imports.tickets",
    "time": "tracker.imports.time_entries",
    "vendors": "tracker.imports.vendors",
}
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


def check_options(kind: Kind, options: Mapping[str, Any]) -> None:
    """Raise OptionError for an option that means nothing to the kind."""
    unknown = [
        name for name, value in options.items() if value and name not in kind.options
    ]
    if unknown:
        names = ", ".join(sorted(unknown)).replace("_", "-")
        raise OptionError(f"{names}: not for {kind.name}. Leave it out.")


def kind_names() -> list[str]:
    return sorted(_FILES)


def may_import(user: User, kind: Kind) -> bool:
    """Whether the person may bring in files of the kind."""
    if not user.has_perms([PERMISSION, *kind.permissions]):
        return False
    return sees_all(user) or not kind.wants_all_rows
