"""What the database itself holds about invoices, on both engines.

An invoice begins as a draft, and leaves it only with lines that sum to its total; from
then on its header stays as it is, none of its lines is added, changed or taken out, and
it is never a draft again.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

INVOICE = "tracker_invoice"
LINE = "tracker_invoiceline"

# What steps after the draft write; all other columns are the vendor's words.
MOVING = frozenset(
    {
        "status",
        "dispute",
        "approved_by_id",
        "approved_at",
        "paid_on",
        "paid_by_id",
        "external_id",
        "updated_at",
        "version",
    }
)

# The names below are this module's own: nothing that anybody typed.
_SUM = f"(SELECT SUM(amount) FROM {LINE} WHERE invoice_id = NEW.id)"  # noqa: S608 - see above
_SAYS = {
    "begins": "an invoice begins as a draft",
    "sums": "the lines of an invoice sum to its total",
    "kept": "a posted invoice stays as it is",
    "lines": "the lines of a posted invoice stay as they are",
}


def install_statements(vendor: str, columns: list[str]) -> list[str]:
    """Return the SQL of the guards; `columns` are those of the invoice's table.

    Running it twice has one effect. A migration that alters either table on SQLite
    has to run it again: the table is made anew there, without its triggers.
    """
    fixed = [column for column in columns if column not in MOVING]
    if vendor == "postgresql":
        return [*remove_statements(vendor), *_postgresql(fixed)]
    return [*remove_statements(vendor), *_sqlite(fixed)]


def remove_statements(vendor: str) -> list[str]:
    tables = dict.fromkeys(_INVOICE_TRIGGERS, INVOICE) | dict.fromkeys(
        _LINE_TRIGGERS, LINE
    )
    return [
        f"DROP TRIGGER IF EXISTS {name}"
        + (f" ON {table}" if vendor == "postgresql" else "")
        for name, table in tables.items()
    ]


_INVOICE_TRIGGERS = (
    f"{INVOICE}_begins",
    f"{INVOICE}_sums",
    f"{INVOICE}_fixed",
    f"{INVOICE}_kept",
)
_LINE_TRIGGERS = (f"{LINE}_added", f"{LINE}_fixed", f"{LINE}_kept")


def _sqlite(fixed: list[str]) -> list[str]:
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in fixed)
    posted = f"(SELECT status FROM {INVOICE} WHERE id = {{}}.invoice_id) <> 'draft'"  # noqa: S608 - likewise

    def trigger(name: str, when: str, condition: str, says: str) -> str:
        return (
            f"CREATE TRIGGER {name} BEFORE {when} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{_SAYS[says]}'); END"
        )

    return [
        trigger(
            f"{INVOICE}_begins",
            f"INSERT ON {INVOICE}",
            "NEW.status <> 'draft'",
            "begins",
        ),
        trigger(
            f"{INVOICE}_sums",
            f"UPDATE ON {INVOICE}",
            "OLD.status = 'draft' AND NEW.status <> 'draft'"
            f" AND {_SUM} IS NOT NEW.total",
            "sums",
        ),
        trigger(
            f"{INVOICE}_fixed",
            f"UPDATE ON {INVOICE}",
            f"OLD.status <> 'draft' AND (NEW.status = 'draft' OR {changed})",
            "kept",
        ),
        trigger(
            f"{INVOICE}_kept", f"DELETE ON {INVOICE}", "OLD.status <> 'draft'", "kept"
        ),
        trigger(f"{LINE}_added", f"INSERT ON {LINE}", posted.format("NEW"), "lines"),
        trigger(
            f"{LINE}_fixed",
            f"UPDATE ON {LINE}",
            f"{posted.format('OLD')} OR {posted.format('NEW')}",
            "lines",
        ),
        trigger(f"{LINE}_kept", f"DELETE ON {LINE}", posted.format("OLD"), "lines"),
    ]


def _postgresql(fixed: list[str]) -> list[str]:
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in fixed)
    refuse = "EXECUTE FUNCTION refuse_invoice_change('{}')"
    line = (
        f"CREATE TRIGGER {{}} BEFORE {{}} ON {LINE}"
        " FOR EACH ROW EXECUTE FUNCTION keep_lines_of_posted_invoice()"
    )

    def trigger(name: str, when: str, condition: str, says: str) -> str:
        return (
            f"CREATE TRIGGER {name} BEFORE {when} ON {INVOICE} FOR EACH ROW"
            f" WHEN ({condition}) {refuse.format(_SAYS[says])}"
        )

    return [
        _REFUSE,
        _SUMS,
        _LINES,
        trigger(f"{INVOICE}_begins", "INSERT", "NEW.status <> 'draft'", "begins"),
        f"CREATE TRIGGER {INVOICE}_sums BEFORE UPDATE ON {INVOICE} FOR EACH ROW"
        " WHEN (OLD.status = 'draft' AND NEW.status <> 'draft')"
        " EXECUTE FUNCTION check_invoice_sum()",
        trigger(
            f"{INVOICE}_fixed",
            "UPDATE",
            f"OLD.status <> 'draft' AND (NEW.status = 'draft' OR {changed})",
            "kept",
        ),
        trigger(f"{INVOICE}_kept", "DELETE", "OLD.status <> 'draft'", "kept"),
        line.format(f"{LINE}_added", "INSERT"),
        line.format(f"{LINE}_fixed", "UPDATE"),
        line.format(f"{LINE}_kept", "DELETE"),
    ]


_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_invoice_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$
"""

_SUMS = f"""
CREATE OR REPLACE FUNCTION check_invoice_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {_SUM} IS DISTINCT FROM NEW.total THEN
        RAISE EXCEPTION '{_SAYS["sums"]}' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

# FOR SHARE: a line can't slip in while another transaction posts its invoice.
_LINES = f"""
CREATE OR REPLACE FUNCTION keep_lines_of_posted_invoice() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT status INTO found FROM {INVOICE} WHERE id = OLD.invoice_id FOR SHARE;
        IF found <> 'draft' THEN
            RAISE EXCEPTION '{_SAYS["lines"]}' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    SELECT status INTO found FROM {INVOICE} WHERE id = NEW.invoice_id FOR SHARE;
    IF found <> 'draft' THEN
        RAISE EXCEPTION '{_SAYS["lines"]}' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""  # noqa: S608 - likewise


class KeepPostedInvoices(Operation):
    """Migration operation: install the guards of invoices and their lines."""

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
        model = to_state.apps.get_model(app_label, "Invoice")
        columns = [field.column for field in model._meta.concrete_fields]
        vendor = schema_editor.connection.vendor
        for statement in install_statements(vendor, columns):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for statement in remove_statements(schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return "Keep posted invoices and their lines as they are"
