"""Records made many at a time, because a file of payments speaks of them.

The same facts and events as by the services for single records, in a handful of
statements. The caller has cleaned the texts; the database's constraints hold.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat, Greatest, Length, LPad
from django.db.models.sql import InsertQuery

from engagements import events
from engagements.choices import Kind, Origin, Status
from engagements.models import (
    Assignment,
    Department,
    Engagement,
    ManagedContract,
    User,
    Vendor,
)
from engagements.services.engagements import REFERENCE_PREFIX
from engagements.values.names import normalise_name

_BATCH = 500
R = TypeVar("R", Vendor, Department)
Imported = ManagedContract | Assignment


@transaction.atomic
def register_vendors(*, vendors: Sequence[Vendor], actor: User | None) -> list[Vendor]:
    """Store new vendors; IntegrityError where a normalised name is taken."""
    for vendor in vendors:
        vendor.normalised_name = normalise_name(vendor.legal_name)
    return _create(Vendor, vendors, "vendor.registered", actor)


@transaction.atomic
def add_departments(
    *, departments: Sequence[Department], actor: User | None
) -> list[Department]:
    """Store new departments; IntegrityError where a code is taken."""
    return _create(Department, departments, "department.created", actor)


def _create(
    model: type[R], records: Sequence[R], event_type: str, actor: User | None
) -> list[R]:
    stored = model._default_manager.bulk_create(records, batch_size=_BATCH)
    events.record_all(
        events.draft(
            event_type=event_type,
            subject=record,
            changes=events.difference(None, record),
            actor=actor,
        )
        for record in stored
    )
    return stored


@transaction.atomic
def log_imported(
    *, engagements: Sequence[Imported], actor: User | None
) -> list[Imported]:
    """Store new engagements as drafts of imported origin, with their references."""
    for engagement in engagements:
        is_managed = isinstance(engagement, ManagedContract)
        engagement.kind = Kind.MANAGED if is_managed else Kind.AUGMENTED
        engagement.status = Status.DRAFT
        engagement.origin = Origin.IMPORTED
        engagement.reference = f"new-{engagement.public_id}"
        engagement.set_term()
    parents = Engagement.objects.bulk_create(
        [_parent(engagement) for engagement in engagements], batch_size=_BATCH
    )
    for engagement, parent in zip(engagements, parents, strict=True):
        engagement.pk = engagement.engagement_ptr_id = engagement.id = parent.pk
        prefix = REFERENCE_PREFIX[Kind(engagement.kind)]
        engagement.reference = f"{prefix}-{parent.pk:05d}"
        engagement.created_at = parent.created_at
        engagement.updated_at = parent.updated_at
    _set_references([parent.pk for parent in parents])
    _insert_children([e for e in engagements if isinstance(e, ManagedContract)])
    _insert_children([e for e in engagements if isinstance(e, Assignment)])
    events.record_all(
        events.draft(
            event_type="engagement.logged",
            subject=engagement,
            changes=events.difference(None, engagement),
            actor=actor,
        )
        for engagement in engagements
    )
    return list(engagements)


def _parent(engagement: Imported) -> Engagement:
    return Engagement(
        **{
            field.attname: getattr(engagement, field.attname)
            for field in Engagement._meta.concrete_fields
            if not field.primary_key
        }
    )


def _set_references(ids: Sequence[int]) -> None:
    """Give each engagement the number of its own row, as single logging does."""
    number = Cast("id", CharField())
    padded = LPad(number, Greatest(Length(number), Value(5)), Value("0"))
    for start in range(0, len(ids), _BATCH):
        for kind, prefix in REFERENCE_PREFIX.items():
            Engagement.objects.filter(
                pk__in=ids[start : start + _BATCH], kind=kind
            ).update(reference=Concat(Value(f"{prefix}-"), padded))


def _insert_children(
    engagements: Sequence[ManagedContract] | Sequence[Assignment],
) -> None:
    if not engagements:
        return
    model = type(engagements[0])
    # bulk_create refuses models with a parent table; the rows of the parent stand
    # already, so what is left is a plain insert into the child's own columns.
    for start in range(0, len(engagements), _BATCH):
        query = InsertQuery(model)
        query.insert_values(
            model._meta.local_concrete_fields,
            list(engagements[start : start + _BATCH]),
        )
        query.get_compiler(connection=connection).execute_sql()


@transaction.atomic
def start_earlier(*, starts: Mapping[int, date], actor: User | None) -> int:
    """Move imported drafts' starts back to the given days; returns how many moved.

    An older file may tell of earlier payments. A draft that a person has given other
    dates or terms to, or that starts before the day, stays as it is.
    """
    moved = []
    for engagement in Engagement.objects.select_for_update().filter(
        pk__in=starts, origin=Origin.IMPORTED, status=Status.DRAFT, ends_on=None
    ):
        before = engagement.starts_on
        day = starts[engagement.pk]
        if day >= before or engagement.term_ends_on is not None:
            continue
        Engagement.objects.filter(pk=engagement.pk).update(
            starts_on=day, term_starts_on=day, version=F("version") + 1
        )
        moved.append(
            events.draft(
                event_type="engagement.changed",
                subject=engagement,
                changes={"starts_on": [before.isoformat(), day.isoformat()]},
                actor=actor,
            )
        )
    events.record_all(moved)
    return len(moved)
