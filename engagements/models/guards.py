"""Append-only tables, held by the database itself on both engines.

A guarded table refuses UPDATE and DELETE (and TRUNCATE on PostgreSQL), whoever asks:
the ORM, the admin, an import or raw SQL. A wrong row is answered by another row.
A table whose rows are closed once refuses DELETE, and any UPDATE but the closing one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
"""


def install_statements(vendor: str, table: str) -> list[str]:
    """Return the SQL that guards `table`; running it twice has one effect."""
    if vendor == "postgresql":
        return [
            _POSTGRESQL_FUNCTION,
            f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()}"
        f" BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only: {verb} refused'); END"
        for verb in ("UPDATE", "DELETE")
    ]


def remove_statements(vendor: str, table: str) -> list[str]:
    """Return the SQL that lifts the guard of `table`."""
    if vendor == "postgresql":
        return [
            f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}"
            for name in ("append_only", "no_truncate")
        ]
    return [
        f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete")
    ]


def guarded_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the tables that a guard stands on in this database."""
    if connection.vendor == "postgresql":
        sql = (
            "SELECT DISTINCT c.relname FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = c.relname || '_append_only' ORDER BY 1"
        )
    else:
        sql = (
            "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
            " AND name = tbl_name || '_no_delete' ORDER BY 1"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Lift every guard for the block; for emptying a test database, nothing else."""
    tables = guarded_tables(connection)
    with connection.cursor() as cursor:
        for table in tables:
            for statement in remove_statements(connection.vendor, table):
                cursor.execute(statement)
        kept = _lift_kept(connection, cursor)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                for statement in install_statements(connection.vendor, table):
                    cursor.execute(statement)
            for statement in kept:
                cursor.execute(statement)


def _lift_kept(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> list[str]:
    """Lift what keeps rows from deletion; return the SQL that puts it back.

    PostgreSQL empties tables by TRUNCATE, of which these triggers know nothing.
    """
    if connection.vendor == "postgresql":
        return []
    cursor.execute(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'trigger' AND name IN"
        " (tbl_name || '_kept', tbl_name || '_logged_kept')"
    )
    found = cursor.fetchall()
    for name, _sql in found:
        cursor.execute(f"DROP TRIGGER {name}")
    return [sql for _name, sql in found]


class AppendOnly(Operation):
    """Migration operation: guard the table of a model."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A guard changes the database, not the models."""

    def _table(self, app_label: str, state: ProjectState) -> str:
        table: str = state.apps.get_model(app_label, self.model_name)._meta.db_table
        return table

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = self._table(app_label, to_state)
        for statement in install_statements(schema_editor.connection.vendor, table):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = self._table(app_label, from_state)
        for statement in remove_statements(schema_editor.connection.vendor, table):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Make {self.model_name} append-only"


class KeptButForErasure(Operation):
    """Migration operation: rows of a model stay as they were stored.

    A person's words, the `erasable` columns, may be blanked at any time; `updated_at`
    moves with them.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, *, erasable: Sequence[str]) -> None:
        self.model_name = model_name
        self.erasable = tuple(erasable)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A guard changes the database, not the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        columns = [field.column for field in model._meta.concrete_fields]
        vendor = schema_editor.connection.vendor
        for statement in self._statements(vendor, model._meta.db_table, columns):
            schema_editor.execute(statement, params=None)

    def _statements(self, vendor: str, table: str, columns: list[str]) -> list[str]:
        differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
        free = {*self.erasable, "updated_at"}
        fixed = [f"NEW.{c} {differs} OLD.{c}" for c in columns if c not in free]
        blanked = [f"NEW.{c} NOT IN ('', OLD.{c})" for c in self.erasable]
        changed = " OR ".join([*fixed, *blanked])
        if vendor == "postgresql":
            run = f"ON {table} FOR EACH ROW"
            call = "EXECUTE FUNCTION refuse_change()"
            return [
                _POSTGRESQL_FUNCTION,
                f"CREATE TRIGGER {table}_kept BEFORE DELETE {run} {call}",
                f"CREATE TRIGGER {table}_fixed BEFORE UPDATE {run}"
                f" WHEN ({changed}) {call}",
            ]
        raised = "SELECT RAISE(ABORT, '{} is append-only: {} refused')"
        return [
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}"
            f" BEGIN {raised.format(table, 'DELETE')}; END",
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} WHEN {changed}"
            f" BEGIN {raised.format(table, 'UPDATE')}; END",
        ]

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        for name in ("kept", "fixed"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on}")

    def describe(self) -> str:
        return f"Keep rows of {self.model_name} as they were stored"


class ClosedOnce(Operation):
    """Migration operation: rows of a model are closed once, and kept as they were.

    The `closing` columns are written while the first of them is null; `erasable` ones
    and `updated_at` may change at any time. All others never do.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self, model_name: str, *, closing: Sequence[str], erasable: Sequence[str] = ()
    ) -> None:
        self.model_name = model_name
        self.closing = tuple(closing)
        self.erasable = tuple(erasable)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A guard changes the database, not the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        columns = [field.column for field in model._meta.concrete_fields]
        vendor = schema_editor.connection.vendor
        for statement in self._statements(vendor, model._meta.db_table, columns):
            schema_editor.execute(statement, params=None)

    def _statements(self, vendor: str, table: str, columns: list[str]) -> list[str]:
        differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
        free = {*self.erasable, "updated_at"}
        fixed = [c for c in columns if c not in free and c not in self.closing]
        changed = " OR ".join(f"NEW.{c} {differs} OLD.{c}" for c in fixed)
        again = " OR ".join(f"NEW.{c} {differs} OLD.{c}" for c in self.closing)
        refused = f"{changed} OR (OLD.{self.closing[0]} IS NOT NULL AND ({again}))"
        if vendor == "postgresql":
            run = "FOR EACH ROW"
            call = "EXECUTE FUNCTION refuse_change()"
            return [
                _POSTGRESQL_FUNCTION,
                f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} {run} {call}",
                f"CREATE TRIGGER {table}_closed_once BEFORE UPDATE ON {table} {run}"
                f" WHEN ({refused}) {call}",
            ]
        raised = "SELECT RAISE(ABORT, '{} is append-only: {} refused')"
        return [
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}"
            f" BEGIN {raised.format(table, 'DELETE')}; END",
            f"CREATE TRIGGER {table}_closed_once BEFORE UPDATE ON {table}"
            f" WHEN {refused} BEGIN {raised.format(table, 'UPDATE')}; END",
        ]

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        for name in ("kept", "closed_once"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on}")

    def describe(self) -> str:
        return f"Let rows of {self.model_name} be closed once"
