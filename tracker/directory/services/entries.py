"""What the sync page is told, and how it is settled."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engagements.models import User
from tracker.directory.choices import CHANGES, SyncKind
from tracker.directory.errors import PushRefusedError
from tracker.directory.models import DirectoryPerson, SyncEntry, Team

LONGEST_DETAIL = 300
LONGEST_NAME = 200


@transaction.atomic
def tell(
    *,
    kind: SyncKind,
    name: str = "",
    person: DirectoryPerson | None = None,
    team: Team | None = None,
    account: User | None = None,
    detail: str = "",
    external_id: str = "",
    source: str,
) -> SyncEntry:
    """Keep one entry; a problem that is open already only happened once more."""
    now = timezone.now()
    entry = SyncEntry(
        kind=kind,
        name=(name or str(person or team))[:LONGEST_NAME],
        person=person,
        team=team,
        account=account or (person.user if person else None),
        detail=detail[:LONGEST_DETAIL],
        external_id=external_id,
        source=source,
        first_at=now,
        last_at=now,
    )
    if kind not in CHANGES and _told_again(entry):
        return entry
    entry.save(force_insert=True)
    return entry


def tell_refusal(*, refusal: PushRefusedError, source: str) -> SyncEntry:
    """Keep what was refused. The caller has left the transaction that failed."""
    return tell(
        kind=refusal.kind,
        name=refusal.name,
        account=refusal.account,
        external_id=refusal.external_id,
        source=source,
    )


def settle_matched(
    *,
    kinds: tuple[SyncKind, ...],
    person: DirectoryPerson | None = None,
    team: Team | None = None,
) -> None:
    """Close the open problems of these kinds: they have been put right."""
    rows = SyncEntry.objects.filter(kind__in=kinds, settled_at=None)
    rows = rows.filter(person=person) if person else rows.filter(team=team)
    rows.update(settled_at=timezone.now())


@transaction.atomic
def settle_entry(*, entry: SyncEntry, actor: User) -> SyncEntry:
    """Close a problem by hand; told again, it stands anew."""
    stored: SyncEntry = SyncEntry.objects.select_for_update().get(pk=entry.pk)
    if stored.is_problem:
        stored.settled_at, stored.settled_by = timezone.now(), actor
        stored.save(update_fields=["settled_at", "settled_by"])
    return stored


@transaction.atomic
def remove_old_entries(*, before: datetime) -> int:
    """Delete changes and settled problems last told before the moment."""
    old = SyncEntry.objects.filter(last_at__lt=before)
    removed, _by_model = old.exclude(pk__in=SyncEntry.objects.problems()).delete()
    return removed


def _told_again(entry: SyncEntry) -> bool:
    same = SyncEntry.objects.problems().filter(
        kind=entry.kind,
        name=entry.name,
        person=entry.person,
        team=entry.team,
        detail=entry.detail,
    )
    return bool(same.update(times=F("times") + 1, last_at=entry.last_at))
