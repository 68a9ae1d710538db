"""What a person takes out: rows of a list as a file, told in an event."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import IO, Any

from django.db import transaction

from engagements import events
from engagements.models import User
from engagements.permissions import sees_all, sees_money
from tracker.imports.columns import Column
from tracker.imports.kinds import Templated, kind_named
from tracker.imports.record_files import write_file, write_template
from tracker.imports.record_kinds import RecordKind


def record_kind(name: str) -> RecordKind[Any]:
    """Return the kind of records; raises KeyError for another name."""
    kind = kind_named(name)
    if not isinstance(kind, RecordKind):
        raise KeyError(name)
    return kind


def columns_for(kind: RecordKind[Any], user: User) -> list[Column]:
    """Return the columns that the user's roles let them see."""
    return [
        column
        for column in kind.columns
        if (sees_money(user) or not column.is_money)
        and (not column.permission or user.has_perm(column.permission))
        and (sees_all(user) or not column.is_of_any_scope)
    ]


@transaction.atomic
def export_records(
    *,
    kind_name: str,
    ids: Sequence[int],
    file_format: str,
    narrowed_by: Iterable[str] = (),
    actor: User,
) -> IO[bytes]:
    """Return a file of the records, in their order, and record who took them out.

    `ids` are within the actor's scope; `narrowed_by` names the filters in use, not
    their values, which may hold names of people.
    """
    kind = record_kind(kind_name)
    file = BytesIO()
    count = write_file(
        file,
        file_format,
        columns_for(kind, actor),
        kind.exported_rows(ids, actor),
    )
    events.record(
        event_type=f"{kind.name}.exported",
        subject=actor,
        changes={
            "format": [None, file_format],
            "rows": [None, count],
            "filters": [None, sorted(narrowed_by)],
        },
        actor=actor,
    )
    file.seek(0)
    return file


def template_of(kind_name: str, file_format: str) -> IO[bytes]:
    """Return an empty file of the kind, with one example; raises KeyError."""
    kind = kind_named(kind_name)
    if not isinstance(kind, Templated):
        raise KeyError(kind_name)
    file = BytesIO()
    write_template(file, file_format, kind.template)
    file.seek(0)
    return file
