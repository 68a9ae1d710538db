"""What an import tells of itself, for the command line, the page and the record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, ClassVar

from tracker.imports.problems import Note, Problem, shown


@dataclass
class Report:
    """The account of one file. `accepted` + `refused` = `read`, always.

    `accepted` = `new` + `already_recorded`. `added` is `new` once it is stored, else
    0. Totals are of accepted lines, by currency.
    """

    NOTHING_APPLIED: ClassVar[str] = (
        "Nothing was applied, since lines were refused. Correct them, or apply the"
        " accepted ones with --per-line."
    )

    kind: str
    file_name: str
    sha256: str
    file_format: str
    reading: Mapping[str, str]
    columns: list[str]
    mapping: Mapping[str, str]
    header_line: int
    is_dry_run: bool
    is_per_line: bool
    read: int = 0
    new: int = 0
    already_recorded: int = 0
    refused: int = 0
    blank_lines: int = 0
    total_lines: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    vendors_created: int = 0
    departments_created: int = 0
    engagements_created: int = 0
    is_applied: bool = False
    # In the order of their lines; of a long file they lie on disk.
    problems: Sequence[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    # What budgets warn of, for those who see money; None where the check knows none.
    money_notes: list[Note] | None = None

    @property
    def accepted(self) -> int:
        return self.new + self.already_recorded

    @property
    def added(self) -> int:
        return self.new if self.is_applied else 0

    @property
    def accepted_total(self) -> Decimal | None:
        """The accepted lines' sum; None where they are in several currencies."""
        if len(self.totals) > 1:
            return None
        return next(iter(self.totals.values()), Decimal(0))

    @property
    def may_be_applied(self) -> bool:
        return not self.refused or self.is_per_line

    def figures(self) -> dict[str, Any]:
        """Return the account without its problems, as JSON can hold it."""
        total = self.accepted_total
        return {
            "kind": self.kind,
            "file": shown(self.file_name),
            "sha256": self.sha256,
            "format": self.file_format,
            "reading": {key: shown(text) for key, text in self.reading.items()},
            "header_line": self.header_line,
            "columns": [shown(column) for column in self.columns],
            "mapping": {name: shown(text) for name, text in self.mapping.items()},
            "dry_run": self.is_dry_run,
            "per_line": self.is_per_line,
            "applied": self.is_applied,
            "read": self.read,
            "accepted": self.accepted,
            "new": self.new,
            "added": self.added,
            "already_recorded": self.already_recorded,
            "refused": self.refused,
            "blank_lines": self.blank_lines,
            "total_lines": self.total_lines,
            "accepted_total": None if total is None else str(total),
            "totals": {code: str(amount) for code, amount in self.totals.items()},
            "vendors_created": self.vendors_created,
            "departments_created": self.departments_created,
            "engagements_created": self.engagements_created,
            "notes": [str(note) for note in self.notes],
        }

    def as_dict(self) -> dict[str, Any]:
        return self.figures() | {"problems": [asdict(item) for item in self.problems]}

    def as_text(self, *, most_problems: int | None = None) -> Iterator[str]:
        """Yield the account line by line, as a person reads it."""
        reading = ", ".join(f"{key} {text}" for key, text in self.reading.items())
        where = f", header in line {self.header_line}" if self.header_line else ""
        yield f"{shown(self.file_name)}: {self.file_format} ({reading}){where}"
        yield "Columns:"
        for name, column in self.mapping.items():
            yield f"  {name:<21} ← {shown(column)}"
        used = set(self.mapping.values())
        unused = [shown(column) for column in self.columns if column not in used]
        if unused:
            yield f"  {'not used':<21} : {', '.join(unused)}"
        yield from self._problem_lines(most_problems)
        for note in self.notes:
            yield f"Note: {note}"
        yield from self._sums()

    def _problem_lines(self, most: int | None) -> Iterator[str]:
        if self.problems:
            yield f"Refused ({self.refused:,} lines):"
        for problem in islice(self.problems, most):
            yield f"  {problem}"
        if most is not None and len(self.problems) > most:
            yield f"  … and {len(self.problems) - most:,} more"

    def _sums(self) -> Iterator[str]:
        yield (
            f"Read {self.read:,} = accepted {self.accepted:,} + refused"
            f" {self.refused:,}."
        )
        sums = ", ".join(f"{total:,} {code}" for code, total in self.totals.items())
        yield (
            f"Accepted: {self.new:,} new, {self.already_recorded:,} recorded already;"
            f" they sum to {sums or '0'}."
        )
        created = (
            f"{self.vendors_created:,} vendors, {self.engagements_created:,}"
            f" engagements and {self.departments_created:,} departments"
        )
        if self.is_applied:
            yield f"Added {self.added:,} payments; created {created}."
        elif not self.may_be_applied:
            yield self.NOTHING_APPLIED
        else:
            yield f"Dry run: nothing was applied. It would create {created}."
