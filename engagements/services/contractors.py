"""The people behind augmented engagements, one by one and many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import WrongStateError
from engagements.models import Contractor, Event, Skill, User
from engagements.services.records import change_record, create_record, set_links

# What is told of an engagement on the contractor whose work it is.
_TOLD = frozenset(
    {
        "contractor",
        "reference",
        "title",
        "role",
        "external_id",
        "manager",
        "department",
        "status",
        "starts_on",
        "ends_on",
        "end_reason",
        "shares",
    }
)
_OF_ENGAGEMENT = frozenset({"engagement", "assignment", "costsplit"})
_BATCH = 500


@transaction.atomic
def add_contractor(
    *, contractor: Contractor, skills: Collection[Skill] = (), actor: User | None
) -> Contractor:
    """Store a new contractor; raises ValidationError by field."""
    create_record(record=contractor, actor=actor)
    set_links(record=contractor, field_name="skills", links=skills, actor=actor)
    return contractor


@transaction.atomic
def change_contractor(
    *,
    contractor: Contractor,
    skills: Collection[Skill] | None = None,
    expected_version: int | None = None,
    actor: User | None,
) -> Contractor:
    """Store changed facts, and the skills where they are given.

    Raises ValidationError by field, ConflictError, and WrongStateError for somebody
    whose personal data was erased.
    """
    _check_not_erased(contractor)
    change_record(record=contractor, expected_version=expected_version, actor=actor)
    if skills is not None:
        set_links(record=contractor, field_name="skills", links=skills, actor=actor)
    return contractor


@dataclass(frozen=True)
class Told:
    """What a feed says of one contractor; what it doesn't name stays as it is."""

    external_id: str
    facts: Mapping[str, Any]
    skills: frozenset[int] | None = None


@dataclass(frozen=True)
class Upserted:
    created: int
    changed: int
    unchanged: int


@transaction.atomic
def upsert_contractors(*, told: Sequence[Told], actor: User | None) -> Upserted:
    """Store new contractors and change known ones, by their ids of another system.

    A handful of statements, however many they are. The caller has checked the facts by
    field, and that each id stands once; the database's constraints hold. Raises
    WrongStateError for somebody whose personal data was erased, and IntegrityError
    where another writer has just taken an id. Told again, nothing is written.
    """
    stored = {
        contractor.external_id: contractor
        for contractor in Contractor.objects.select_for_update().filter(
            external_id__in=[one.external_id for one in told]
        )
    }
    has_skills = any(one.skills is not None for one in told)
    linked = _skills_of(stored.values()) if has_skills else {}
    new: list[Contractor] = []
    changed: dict[int, Contractor] = {}
    drafts: list[Event] = []
    links: list[tuple[Contractor, frozenset[int]]] = []
    for one in told:
        contractor = stored.get(one.external_id)
        if contractor is None:
            contractor = Contractor(external_id=one.external_id, **one.facts)
            new.append(contractor)
        elif changes := _differences(contractor, one.facts):
            _check_not_erased(contractor)
            contractor.version += 1
            changed[contractor.pk] = contractor
            drafts.append(_draft(contractor, "changed", changes, actor))
        wanted = one.skills
        if wanted is not None and wanted != linked.get(contractor.pk, frozenset()):
            links.append((contractor, wanted))
    Contractor.objects.bulk_create(new, batch_size=_BATCH)
    _overwrite(list(changed.values()))
    drafts.extend(
        _draft(one, "created", events.difference(None, one), actor) for one in new
    )
    drafts.extend(_link(links, linked, actor))
    events.record_all(drafts)
    touched = {one.pk for one in new} | set(changed)
    relinked = sum(contractor.pk not in touched for contractor, _wanted in links)
    altered = len(changed) + relinked
    return Upserted(len(new), altered, len(told) - len(new) - altered)


def follow_work(sender: Any, events: Sequence[Event], **kwargs: Any) -> None:
    """Let readers by last change see that what is told of contractors has moved.

    Their engagements say where, for whom and how long they work; see `_TOLD`.
    """
    engagements, contractors = set(), set()
    for event in events:
        if event.event_type == "contractor.skills_set":
            contractors.add(event.subject_id)
        elif event.subject_type in _OF_ENGAGEMENT and _TOLD & event.changes.keys():
            engagements.add(event.engagement_id)
            contractors.update(filter(None, event.changes.get("contractor", ())))
    for ids in _parts(engagements):
        _touch(Q(assignments__in=ids))
    for ids in _parts(contractors):
        _touch(Q(pk__in=ids))


def _touch(condition: Q) -> None:
    Contractor.objects.filter(condition).update(updated_at=timezone.now())


def _parts(ids: Iterable[int | None]) -> Iterable[list[int]]:
    found = iter(sorted(pk for pk in ids if pk is not None))
    while part := list(islice(found, _BATCH)):
        yield part


def _check_not_erased(contractor: Contractor) -> None:
    if contractor.is_erased:
        raise WrongStateError(
            _("The personal data of %(contractor)s was erased; it stays as it is.")
            % {"contractor": contractor.external_id or contractor.public_id}
        )


def _differences(contractor: Contractor, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Set the facts; return what differs, as an event tells it."""
    changes: dict[str, Any] = {}
    for name, value in facts.items():
        before = getattr(contractor, name)
        if before == value:
            continue
        if name in Contractor.PERSONAL_FIELDS:
            changes[name] = [events.HIDDEN, events.HIDDEN]
        else:
            changes[name] = [events.plain(before), events.plain(value)]
        setattr(contractor, name, value)
    # Events call a related record by the field's name.
    if "vendor_id" in changes:
        changes["vendor"] = changes.pop("vendor_id")
    return changes


def _overwrite(contractors: Sequence[Contractor]) -> None:
    Contractor.objects.bulk_create(
        contractors,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            "full_name",
            "work_email",
            "worker_number",
            "vendor",
            "jurisdiction",
            "employment_type",
            "version",
            "updated_at",
        ],
    )


def _draft(
    contractor: Contractor, verb: str, changes: events.Changes, actor: User | None
) -> Event:
    return events.draft(
        event_type=f"contractor.{verb}",
        subject=contractor,
        changes=changes,
        actor=actor,
    )


def _skills_of(contractors: Iterable[Contractor]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = Contractor.skills.through.objects.filter(contractor__in=contractors)
    for contractor, skill in rows.values_list("contractor_id", "skill_id"):
        found[contractor].add(skill)
    return {contractor: frozenset(skills) for contractor, skills in found.items()}


def _link(
    links: Sequence[tuple[Contractor, frozenset[int]]],
    linked: Mapping[int, frozenset[int]],
    actor: User | None,
) -> list[Event]:
    through = Contractor.skills.through
    through.objects.filter(contractor__in=[one for one, _wanted in links]).delete()
    through.objects.bulk_create(
        through(contractor=one, skill_id=skill)
        for one, wanted in links
        for skill in sorted(wanted)
    )
    return [
        events.draft(
            event_type="contractor.skills_set",
            subject=one,
            changes={"skills": [sorted(linked.get(one.pk, ())), sorted(wanted)]},
            actor=actor,
        )
        for one, wanted in links
    ]
