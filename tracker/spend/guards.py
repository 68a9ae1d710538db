"""What the database refuses of timesheets, on both engines.

Lines are written while their sheet is a draft or rejected. An invoiced sheet stays as
it is, but that it is opened for a new bill. A person's sheets on one engagement never
overlap. Nobody decides about a sheet of which they entered hours. What was logged
without a sheet stays as it is: it is withdrawn, once, with a reason.

The triggers on work logs read the table of timesheets: a migration that alters that
model on SQLite, where it makes the table anew, lifts them before and puts them back
after (`LiftTimesheetGuards`, `GuardTimesheets`).
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_SHEETS = "tracker_timesheet"
_LINES = "tracker_worklog"

# Two that start on one day are refused by the constraint that says so.
_OVERLAP = """
SELECT 1 FROM tracker_timesheet other
WHERE other.engagement_id = NEW.engagement_id
  AND other.contractor_id = NEW.contractor_id
  AND other.id <> NEW.id
  AND other.starts_on <> NEW.starts_on
  AND other.starts_on <= NEW.ends_on AND other.ends_on >= NEW.starts_on
"""
_CLOSED = (
    "EXISTS (SELECT 1 FROM tracker_timesheet sheet WHERE sheet.id = {row}.timesheet_id"
    " AND sheet.status NOT IN ('draft', 'rejected'))"
)
# A sheet whose bill was credited is approved again, and nothing else of it moves.
_KEPT = (
    *("engagement_id", "contractor_id", "cadence", "starts_on", "ends_on"),
    *("submitted_by_id", "submitted_at", "decided_by_id", "decided_at", "reason"),
)
_ENTERED = """
SELECT 1 FROM tracker_worklog line
WHERE line.timesheet_id = NEW.id AND line.logged_by_id = NEW.decided_by_id
"""
_OWN_HOURS = "whoever entered hours of a timesheet never decides about it"
_OLD, _NEW = _CLOSED.format(row="OLD"), _CLOSED.format(row="NEW")
# A person's words may be taken out of a line at any time, and nothing else.
_ERASABLE = {"description", "updated_at"}


def _reopened(vendor: str) -> str:
    same = "IS NOT DISTINCT FROM" if vendor == "postgresql" else "IS"
    kept = [f"NEW.{column} {same} OLD.{column}" for column in _KEPT]
    return " AND ".join(["NEW.status = 'approved'", *kept])


_POSTGRESQL = [
    f"""
CREATE OR REPLACE FUNCTION refuse_timesheet_overlap() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS ({_OVERLAP}) THEN
        RAISE EXCEPTION 'timesheets of one person on one engagement overlap'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
""",
    f"""
CREATE OR REPLACE FUNCTION refuse_line_of_closed_sheet() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {_OLD} THEN
        RAISE EXCEPTION 'the timesheet of this line is closed: % refused', TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP <> 'DELETE' AND {_NEW} THEN
        RAISE EXCEPTION 'the timesheet of this line is closed: % refused', TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$
""",
    f"""
CREATE OR REPLACE FUNCTION refuse_invoiced_timesheet() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF {_reopened("postgresql")} THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '{_SHEETS} is invoiced: % refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$
""",
    f"CREATE TRIGGER {_SHEETS}_no_overlap BEFORE INSERT OR UPDATE ON {_SHEETS}"
    " FOR EACH ROW EXECUTE FUNCTION refuse_timesheet_overlap()",
    f"CREATE TRIGGER {_SHEETS}_kept BEFORE UPDATE OR DELETE ON {_SHEETS}"
    " FOR EACH ROW WHEN (OLD.status = 'invoiced')"
    " EXECUTE FUNCTION refuse_invoiced_timesheet()",
    f"CREATE TRIGGER {_LINES}_kept BEFORE INSERT OR DELETE ON {_LINES}"
    " FOR EACH ROW EXECUTE FUNCTION refuse_line_of_closed_sheet()",
]


def _changed(columns: list[str], vendor: str) -> str:
    differs = _differs(vendor)
    fixed = [f"NEW.{c} {differs} OLD.{c}" for c in columns if c not in _ERASABLE]
    return " OR ".join([*fixed, "NEW.description NOT IN ('', OLD.description)"])


def _differs(vendor: str) -> str:
    return "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"


def _install(vendor: str, columns: list[str]) -> list[str]:
    changed = _changed(columns, vendor)
    # Until a migration adds it, nobody knows who entered a line.
    decided = _decided(vendor) if "logged_by_id" in columns else []
    if vendor == "postgresql":
        return [
            *_POSTGRESQL,
            *decided,
            f"CREATE TRIGGER {_LINES}_fixed BEFORE UPDATE ON {_LINES} FOR EACH ROW"
            f" WHEN ({changed}) EXECUTE FUNCTION refuse_line_of_closed_sheet()",
        ]
    overlap = "timesheets of one person on one engagement overlap"
    closed = "the timesheet of this line is closed"
    return [
        # SQLite gives a row its id after the trigger: a new one has none to leave out.
        _sqlite(
            f"{_SHEETS}_no_overlap_new",
            f"INSERT ON {_SHEETS}",
            f"EXISTS ({_OVERLAP.replace('AND other.id <> NEW.id', '')})",
            overlap,
        ),
        _sqlite(
            f"{_SHEETS}_no_overlap",
            f"UPDATE ON {_SHEETS}",
            f"EXISTS ({_OVERLAP})",
            overlap,
        ),
        _sqlite(
            f"{_SHEETS}_fixed",
            f"UPDATE ON {_SHEETS}",
            f"OLD.status = 'invoiced' AND NOT ({_reopened(vendor)})",
            f"{_SHEETS} is invoiced: UPDATE refused",
        ),
        _sqlite(
            f"{_SHEETS}_kept",
            f"DELETE ON {_SHEETS}",
            "OLD.status = 'invoiced'",
            f"{_SHEETS} is invoiced: DELETE refused",
        ),
        _sqlite(
            f"{_LINES}_not_added",
            f"INSERT ON {_LINES}",
            _NEW,
            f"{closed}: INSERT refused",
        ),
        _sqlite(
            f"{_LINES}_fixed",
            f"UPDATE ON {_LINES}",
            f"({changed}) AND ({_OLD} OR {_NEW})",
            f"{closed}: UPDATE refused",
        ),
        _sqlite(
            f"{_LINES}_kept",
            f"DELETE ON {_LINES}",
            _OLD,
            f"{closed}: DELETE refused",
        ),
        *decided,
    ]


def _decided(vendor: str) -> list[str]:
    if vendor != "postgresql":
        return [
            _sqlite(
                f"{_SHEETS}_decided",
                f"UPDATE OF decided_by_id ON {_SHEETS}",
                f"NEW.decided_by_id IS NOT OLD.decided_by_id AND EXISTS ({_ENTERED})",
                _OWN_HOURS,
            )
        ]
    return [
        f"""
CREATE OR REPLACE FUNCTION refuse_decision_on_own_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS ({_ENTERED}) THEN
        RAISE EXCEPTION '{_OWN_HOURS}'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
""",
        f"CREATE TRIGGER {_SHEETS}_decided BEFORE UPDATE OF decided_by_id ON {_SHEETS}"
        " FOR EACH ROW"
        " WHEN (NEW.decided_by_id IS DISTINCT FROM OLD.decided_by_id)"
        " EXECUTE FUNCTION refuse_decision_on_own_hours()",
    ]


def _sqlite(name: str, verb: str, condition: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} WHEN {condition}"
        f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _lift(vendor: str) -> list[str]:
    names = {
        _SHEETS: ["no_overlap_new", "no_overlap", "fixed", "kept", "decided"],
        _LINES: ["not_added", "fixed", "kept"],
    }
    return [
        f"DROP TRIGGER IF EXISTS {table}_{name}"
        + (f" ON {table}" if vendor == "postgresql" else "")
        for table, found in names.items()
        for name in found
    ]


class GuardTimesheets(Operation):
    """Migration operation: the database holds what this module says."""

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
        vendor = schema_editor.connection.vendor
        fields = to_state.apps.get_model(app_label, "WorkLog")._meta.concrete_fields
        for statement in _install(vendor, [field.column for field in fields]):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for statement in _lift(schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return "Guard timesheets and their lines"


class LiftTimesheetGuards(GuardTimesheets):
    """Migration operation: for as long as the tables are altered."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "Lift the guards of timesheets and their lines"


# Written together, by the withdrawal alone: the key moves over, and is free again.
_WITHDRAWING = (
    *("withdrawn_at", "withdrawn_by_id", "withdrawn_reason", "withdrawn_key"),
    "source_key",
)
_LOGGED = "work logged without a timesheet is withdrawn, never changed"


def _guard_logged(vendor: str, columns: list[str]) -> list[str]:
    differs = _differs(vendor)
    fixed = _changed([c for c in columns if c not in _WITHDRAWING], vendor)
    touched = " OR ".join(f"NEW.{c} {differs} OLD.{c}" for c in _WITHDRAWING)
    moved_over = f"NOT (NEW.withdrawn_key {differs} OLD.source_key)"
    withdrawal = (
        "OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL"
        f" AND NEW.source_key IS NULL AND {moved_over}"
    )
    refused = (
        "(OLD.timesheet_id IS NULL OR NEW.timesheet_id IS NULL)"
        f" AND ({fixed} OR (({touched}) AND NOT ({withdrawal})))"
    )
    names = f"{_LINES}_logged_fixed", f"{_LINES}_logged_kept"
    if vendor != "postgresql":
        return [
            _sqlite(
                names[0], f"UPDATE ON {_LINES}", refused, f"{_LOGGED}: UPDATE refused"
            ),
            _sqlite(
                names[1],
                f"DELETE ON {_LINES}",
                "OLD.timesheet_id IS NULL",
                f"{_LOGGED}: DELETE refused",
            ),
        ]
    call = "EXECUTE FUNCTION refuse_change_of_logged_work()"
    return [
        f"""
CREATE OR REPLACE FUNCTION refuse_change_of_logged_work() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{_LOGGED}: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
""",
        f"CREATE TRIGGER {names[0]} BEFORE UPDATE ON {_LINES} FOR EACH ROW"
        f" WHEN ({refused}) {call}",
        f"CREATE TRIGGER {names[1]} BEFORE DELETE ON {_LINES} FOR EACH ROW"
        f" WHEN (OLD.timesheet_id IS NULL) {call}",
    ]


class GuardLoggedWork(Operation):
    """Migration operation: work logged without a sheet stays as it was stored.

    It may be withdrawn once, and a person's words taken out of it. SQLite loses the
    guard where a migration makes the table of work logs anew: install it again there.
    """

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
        vendor = schema_editor.connection.vendor
        fields = to_state.apps.get_model(app_label, "WorkLog")._meta.concrete_fields
        for statement in _guard_logged(vendor, [field.column for field in fields]):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        on = f" ON {_LINES}" if schema_editor.connection.vendor == "postgresql" else ""
        for name in ("logged_fixed", "logged_kept"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {_LINES}_{name}{on}")

    def describe(self) -> str:
        return "Keep work logged without a timesheet as it was stored"
