"""What an import of tickets, measurements or downtime tells of itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tracker.imports.record_report import RecordReport


@dataclass
class PerformanceReport(RecordReport):
    """Also how many windows of service levels were judged anew.

    `missed` are the misses among those that came out otherwise than before.
    """

    windows: int = 0
    missed: int = 0

    def figures(self) -> dict[str, Any]:
        return super().figures() | {"windows": self.windows, "missed": self.missed}

    def _sums(self) -> Iterator[str]:
        yield from super()._sums()
        if self.is_applied:
            yield (
                f"Judged {self.windows:,} windows of service levels anew,"
                f" {self.missed:,} of them missed."
            )
