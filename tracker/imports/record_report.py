"""What an import of records tells: what is new, what changes, what stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tracker.imports.report import Report


@dataclass
class RecordReport(Report):
    """`accepted` = `new` + `changed` + `already_recorded`, the last unchanged."""

    changed: int = 0

    @property
    def accepted(self) -> int:
        return self.new + self.changed + self.already_recorded

    def figures(self) -> dict[str, Any]:
        return super().figures() | {"changed": self.changed}

    def _sums(self) -> Iterator[str]:
        yield (
            f"Read {self.read:,} = accepted {self.accepted:,} + refused"
            f" {self.refused:,}."
        )
        yield (
            f"Accepted: {self.new:,} new, {self.changed:,} changed,"
            f" {self.already_recorded:,} unchanged."
        )
        if self.is_applied:
            yield f"Added {self.added:,} {self.kind}; changed {self.changed:,}."
        elif not self.may_be_applied:
            yield self.NOTHING_APPLIED
        else:
            yield "Dry run: nothing was applied."
