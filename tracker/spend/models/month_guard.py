"""Closed months refuse ledger entries in the database itself, on both engines."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# One number for everybody who posts or closes; any would do.
LOCK = 7_301_951

_REFUSED = "is closed: it takes no postings"

# Once a statement, not once a row. The lock makes a closing wait for postings that
# have been checked and aren't committed; the rows are read after it is held.
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_closed_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date;
    refused date;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({lock});
    SELECT max(month) INTO closed FROM {months} WHERE reopened_at IS NULL;
    SELECT min(booked_month) INTO refused FROM added WHERE booked_month <= closed;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION '% {refused}', to_char(refused, 'YYYY-MM')
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""


class OpenMonthsOnly(Operation):
    """Migration operation: entries are booked into months that aren't closed.

    `entries` and `months` are the names of the models.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, entries: str, *, months: str) -> None:
        self.entries = entries
        self.months = months

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A guard changes the database, not the models."""

    def _tables(self, app_label: str, state: ProjectState) -> tuple[str, str]:
        models = [
            state.apps.get_model(app_label, n) for n in (self.entries, self.months)
        ]
        entries, months = (model._meta.db_table for model in models)
        return entries, months

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        entries, months = self._tables(app_label, to_state)
        for statement in _installing(schema_editor.connection.vendor, entries, months):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        entries, _months = self._tables(app_label, from_state)
        on = f" ON {entries}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {entries}_open_months{on}")

    def describe(self) -> str:
        return f"Let {self.entries} be booked into open months only"


_SQLITE_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {entries}_open_months BEFORE INSERT ON {entries}
  WHEN EXISTS (SELECT 1 FROM {months}
                WHERE reopened_at IS NULL AND month >= NEW.booked_month)
BEGIN SELECT RAISE(ABORT, 'the month {refused}'); END
"""


def _installing(vendor: str, entries: str, months: str) -> list[str]:
    """Return the SQL that guards the entries; running it twice has one effect."""
    if vendor == "postgresql":
        return [
            _POSTGRESQL_FUNCTION.format(lock=LOCK, months=months, refused=_REFUSED),
            f"DROP TRIGGER IF EXISTS {entries}_open_months ON {entries}",
            f"CREATE TRIGGER {entries}_open_months AFTER INSERT ON {entries}"
            " REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_month()",
        ]
    return [_SQLITE_TRIGGER.format(entries=entries, months=months, refused=_REFUSED)]
