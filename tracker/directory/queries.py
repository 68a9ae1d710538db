"""How the feed of people stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from tracker.directory.choices import CHANGES, CONFLICTS, UNMATCHED, SyncKind
from tracker.directory.models import DirectoryPerson, SyncEntry, Team

RECENT = timedelta(days=1)


@dataclass(frozen=True)
class SyncStanding:
    """The last change, what came in within a day, and what waits for somebody."""

    people: int
    teams: int
    last_change_at: datetime | None
    recent: Mapping[str, int]
    conflicts: int
    unmatched: int
    without_target: int

    @property
    def problems(self) -> int:
        return self.conflicts + self.unmatched + self.without_target


def sync_standing() -> SyncStanding:
    changes = SyncEntry.objects.changes()
    last = changes.aggregate(last=Max("last_at"))["last"]
    recent = _counts(changes.filter(last_at__gte=timezone.now() - RECENT))
    problems = _counts(SyncEntry.objects.problems())
    return SyncStanding(
        people=DirectoryPerson.objects.count(),
        teams=Team.objects.count(),
        last_change_at=last,
        recent={kind: recent.get(kind, 0) for kind in CHANGES},
        conflicts=sum(problems.get(kind, 0) for kind in CONFLICTS),
        unmatched=sum(problems.get(kind, 0) for kind in UNMATCHED),
        without_target=problems.get(SyncKind.PATH_MATCHED_NOTHING, 0),
    )


def _counts(rows: QuerySet[SyncEntry]) -> Mapping[str, int]:
    found = rows.order_by().values("kind").annotate(count=Count("id"))
    return {row["kind"]: row["count"] for row in found}
