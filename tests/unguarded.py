"""Rows rewritten past the triggers that guard them, for what comes after."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master"
    " WHERE type = 'trigger' AND tbl_name = %s",
    "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgrelid = %s::regclass",
}


def triggers_of(table: str) -> dict[str, str]:
    """Return the triggers on the table, each with the SQL that makes it."""
    with connection.cursor() as cursor:
        cursor.execute(_DEFINITIONS[connection.vendor], [table])
        return dict(cursor.fetchall())


def drop_triggers(table: str) -> None:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    for name in triggers_of(table):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {name}{on}")


@contextmanager
def unguarded(table: str) -> Iterator[None]:
    """Let the block write to the table whatever its triggers say."""
    found = triggers_of(table)
    # PostgreSQL alters no table of which it has still to check rows.
    connection.check_constraints()
    drop_triggers(table)
    yield
    connection.check_constraints()
    with connection.cursor() as cursor:
        for statement in found.values():
            cursor.execute(statement)
