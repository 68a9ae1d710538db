"""What counts towards a day's cap on postings, held by the database on both engines."""

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.models.fields import MoneyField


class CappedPosting(models.Model):
    """What one posting took of its day's cap, in the reporting currency.

    Kept only while a cap is set; the ledger itself is the truth of what was posted.
    """

    day = models.DateField(_("day"), db_index=True)
    amount = MoneyField(_("amount"))
    cap = MoneyField(_("cap"))

    class Meta:
        verbose_name = _("capped posting")
        constraints = [
            models.CheckConstraint(
                name="capped_posting_within_its_cap",
                condition=Q(amount__gt=0, amount__lte=F("cap")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.amount}"


# What the database says, at commit on PostgreSQL.
BEYOND_CAP = "more would be posted in a day than its cap"

# One number for all who post under a cap; any would do.
_LOCK = 7_301_952

# At commit, when nothing else is waited for: so the lock can't close a circle. Each
# statement sees what others have committed meanwhile.
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION refuse_beyond_daily_cap() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    IF (SELECT sum(amount) FROM {table} WHERE day = NEW.day) > NEW.cap THEN
        RAISE EXCEPTION '{refused}' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""
_SQLITE = """
CREATE TRIGGER {table}_daily_cap BEFORE INSERT ON {table}
  WHEN (SELECT COALESCE(SUM(amount), 0) FROM {table} WHERE day = NEW.day) + NEW.amount
       > NEW.cap
BEGIN SELECT RAISE(ABORT, '{refused}'); END
"""


class HoldDailyCap(Operation):
    """Migration operation: what counts towards a day never sums beyond its cap."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A guard changes the database, not the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = to_state.apps.get_model(app_label, "CappedPosting")._meta.db_table
        names = {"table": table, "refused": BEYOND_CAP, "lock": _LOCK}
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.execute(_SQLITE.format(**names), params=None)
            return
        schema_editor.execute(_POSTGRESQL.format(**names), params=None)
        schema_editor.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_daily_cap AFTER INSERT ON {table}"
            " DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse_beyond_daily_cap()",
            params=None,
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, "CappedPosting")._meta.db_table
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_daily_cap{on}")

    def describe(self) -> str:
        return "Hold the day's cap on postings"
