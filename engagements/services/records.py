"""How any record is written: validated, versioned, and told of in an event."""

from collections.abc import Iterable
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import ConflictError
from engagements.models import Engagement, Tombstone, User

M = TypeVar("M", bound=models.Model)


@transaction.atomic
def create_record(
    *,
    record: M,
    event_type: str = "",
    engagement: Engagement | None = None,
    actor: User | None,
) -> M:
    """Validate and store a new record.

    Raises ValidationError by field. The event is `<model>.created` unless named.
    """
    record.full_clean()
    record.save(force_insert=not record._meta.parents)
    events.record(
        event_type=event_type or f"{record._meta.model_name}.created",
        subject=record,
        changes=events.difference(None, record),
        engagement=engagement,
        actor=actor,
    )
    return record


@transaction.atomic
def change_record(
    *,
    record: M,
    event_type: str = "",
    engagement: Engagement | None = None,
    expected_version: int | None = None,
    actor: User | None,
) -> M:
    """Validate and store a changed record; without a change nothing is written.

    Raises ConflictError where the stored version isn't `expected_version` (given by
    a form or If-Match), and ValidationError by field.
    """
    stored = type(record)._default_manager.select_for_update().get(pk=record.pk)
    check_version(stored=stored, expected_version=expected_version)
    record.full_clean()
    changes = events.difference(stored, record)
    if not changes:
        return record
    if hasattr(record, "version"):
        record.version = stored.version + 1  # type: ignore[attr-defined]
    record.save()
    events.record(
        event_type=event_type or f"{record._meta.model_name}.changed",
        subject=record,
        changes=changes,
        engagement=engagement,
        actor=actor,
    )
    return record


@transaction.atomic
def delete_record(
    *,
    record: models.Model,
    event_type: str = "",
    engagement: Engagement | None = None,
    actor: User | None,
) -> None:
    """Remove a record that nothing else builds on.

    Raises ValidationError naming what still points to it.
    """
    subject_id = record.pk
    try:
        record.delete()
    except models.ProtectedError as error:
        names = ", ".join(sorted({str(o._meta.verbose_name) for o in error.args[1]}))
        raise ValidationError(
            _("%(record)s can't be deleted: %(names)s still point to it.")
            % {"record": record, "names": names}
        ) from error
    record.pk = subject_id
    bury([record])
    events.record(
        event_type=event_type or f"{record._meta.model_name}.deleted",
        subject=record,
        engagement=engagement,
        actor=actor,
    )


def bury(records: Iterable[models.Model]) -> None:
    """Keep the ids of records that were deleted, in the transaction of that.

    Each still carries the primary key that it had.
    """
    Tombstone.objects.bulk_create(
        Tombstone(
            model_name=name_of(type(record)),
            record_id=record.pk,
            public_id=record.public_id,
        )
        for record in records
        if hasattr(record, "public_id")
    )


def name_of(model: type[models.Model]) -> str:
    """Return what tombstones call a model: both kinds of engagement the same."""
    root = next(iter(model._meta.get_parent_list()), model)
    return str(root._meta.model_name)


@transaction.atomic
def raise_version(*, record: models.Model) -> None:
    """Tell other editors that the record changed, though only its lines did.

    So does whoever reads by last change. The caller holds the record's lock: it has
    just checked the version.
    """
    rows = type(record)._default_manager.filter(pk=record.pk)
    rows.update(version=models.F("version") + 1, updated_at=timezone.now())
    record.refresh_from_db(fields=["version", "updated_at"])


@transaction.atomic
def set_links(
    *,
    record: models.Model,
    field_name: str,
    links: Iterable[models.Model],
    actor: User | None,
) -> None:
    """Store which records a many-to-many field names; without a change, nothing.

    The event `<model>.<field>_set` holds the ids before and after.
    """
    manager = getattr(record, field_name)
    before = sorted(manager.values_list("pk", flat=True))
    after = sorted(link.pk for link in links)
    if before == after:
        return
    manager.set(after)
    events.record(
        event_type=f"{record._meta.model_name}.{field_name}_set",
        subject=record,
        changes={field_name: [before, after]},
        actor=actor,
    )


def check_version(*, stored: models.Model, expected_version: int | None) -> None:
    """Raise ConflictError unless the stored record has the version expected."""
    version = getattr(stored, "version", None)
    if expected_version is not None and version != expected_version:
        raise ConflictError(
            _("%(record)s was changed by somebody else since you opened it.")
            % {"record": stored}
        )
