"""Storing many rows at once, as fast as the database takes them."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.utils import timezone

from engagements.models.fields import ScaledField

# Below it, finding ids and opening a COPY costs more than it saves.
_WORTH_COPYING = 500
_AT_ONCE = 1000

Row = TypeVar("Row", bound=models.Model)


def insert_all(rows: Sequence[Row]) -> list[Row]:
    """Store rows of one model and return them with their ids; nothing is validated.

    Raises IntegrityError where the database refuses one, and stores none then.
    """
    if not rows:
        return []
    model = type(rows[0])
    if connection.vendor != "postgresql" or len(rows) < _WORTH_COPYING:
        return model._base_manager.bulk_create(rows, batch_size=_AT_ONCE)
    with transaction.atomic():
        _copy(model, rows)
    return list(rows)


def _copy(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    table = model._meta.db_table
    fields = model._meta.local_concrete_fields
    moments = [field.attname for field in fields if _is_set_on_saving(field)]
    now = timezone.now()
    for row, key in zip(rows, _free_ids(table, len(rows)), strict=True):
        row.pk = key
        for name in moments:
            setattr(row, name, now)
        row._state.adding = False
        row._state.db = connection.alias
    columns = ", ".join(connection.ops.quote_name(str(f.column)) for f in fields)
    values_of = attrgetter(*(field.attname for field in fields))
    into = [_into_database(field) for field in fields]
    # Below Django, which knows no COPY, errors would bear psycopg's names.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            values = zip(into, values_of(row), strict=True)
            copy.write_row(
                [value if turn is None else turn(value) for turn, value in values]
            )


def _is_set_on_saving(field: "models.Field[Any, Any]") -> bool:
    return isinstance(field, models.DateField) and (
        field.auto_now or field.auto_now_add
    )


def _free_ids(table: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH made AS MATERIALIZED"
            " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS ids)"
            " SELECT nextval(ids) FROM made, generate_series(1, %s)",
            [table, count],
        )
        return [key for (key,) in cursor.fetchall()]


def _into_database(field: "models.Field[Any, Any]") -> Callable[[Any], Any] | None:
    """Return what turns a value into what the driver writes; None if nothing does."""
    if isinstance(field, ScaledField):
        return field.get_prep_value
    if isinstance(field, models.CharField | models.TextField):
        # A member of a list of choices is written as its value.
        return _plain_text
    if isinstance(field, models.JSONField):
        return lambda value: field.get_db_prep_save(value, connection)
    return None


def _plain_text(value: str | None) -> str | None:
    return value if value is None or type(value) is str else str(value)
