"""What the database itself holds about invoices, on both engines.

An invoice begins as a draft, and leaves it only with lines that sum to its total; from
then on its header stays as it is, none of its lines is added, changed or taken out, and
it is never a draft again. All that may still be written to a line is that it is
credited in full, once posted credit notes leave nothing of it.
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

# Beside it all of a posted line stays; Django dates each write.
CREDITED = "is_credited"
_MOVING_OF_LINES = frozenset({CREDITED, "updated_at"})

# The names below are this module's own: nothing that anybody typed.
_SUM = f"(SELECT SUM(amount) FROM {LINE} WHERE invoice_id = NEW.id)"  # noqa: S608 - see above
_SAYS = {
    "begins": "an invoice begins as a draft",
    "sums": "the lines of an invoice sum to its total",
    "kept": "a posted invoice stays as it is",
    "lines": "the lines of a posted invoice stay as they are",
    "credited": "a line is credited in full by credit notes that leave nothing of it",
}

# What `credited.Share.is_within` and `left_of_engagements` say.
_IN_PERIOD = (
    "line.engagement_id = NEW.engagement_id AND line.charge_kind = NEW.charge_kind"
    " AND line.period_from >= NEW.period_from AND line.period_to <= NEW.period_to"
)
_OF_ENGAGEMENT = "line.engagement_id = NEW.engagement_id AND line.charge_kind <> 'tax'"


def _nothing_left(where: str) -> str:
    """Return the SQL of whether posted credit notes took all of the lines back."""
    billed = (
        f"(SELECT SUM(line.amount) FROM {LINE} line"  # noqa: S608 - see above
        f" WHERE line.invoice_id = NEW.invoice_id AND {where})"
    )
    taken = (
        f"(SELECT SUM(line.amount) FROM {LINE} line"  # noqa: S608 - see above
        f" JOIN {INVOICE} note ON note.id = line.invoice_id"
        f" WHERE note.credits_id = NEW.invoice_id AND note.status <> 'draft'"
        f" AND {where})"
    )
    return f"COALESCE({billed} + {taken} <= 0, FALSE)"


# What `credited.are_credited` says.
IS_CREDITED = (
    "(NEW.amount > 0 AND ((NEW.charge_kind <> 'tax'"
    f" AND {_nothing_left(_OF_ENGAGEMENT)}) OR {_nothing_left(_IN_PERIOD)}))"
)


def install_statements(
    vendor: str, columns: list[str], line_columns: list[str]
) -> list[str]:
    """Return the SQL of the guards; the columns are those of the two tables.

    Running it twice has one effect. A migration that alters either table on SQLite
    lifts them before and installs them after: the table is made anew there, without
    its triggers, and those of the other table read it.
    """
    fixed = [column for column in columns if column not in MOVING]
    install = _postgresql if vendor == "postgresql" else _sqlite
    return [*remove_statements(vendor), *install(fixed, line_columns)]


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
_LINE_TRIGGERS = (
    f"{LINE}_added",
    f"{LINE}_fixed",
    f"{LINE}_kept",
    f"{LINE}_credited",
    f"{LINE}_not_credited",
)


def _credited_alone(line_columns: list[str], is_not: str) -> str:
    """Return the SQL of whether a write says that a line is credited, and no more."""
    if CREDITED not in line_columns:
        return "FALSE"
    others = [
        f"NEW.{name} {is_not} OLD.{name}"
        for name in line_columns
        if name not in _MOVING_OF_LINES
    ]
    return f"(NEW.{CREDITED} AND NOT OLD.{CREDITED} AND NOT ({' OR '.join(others)}))"


def _sqlite(fixed: list[str], line_columns: list[str]) -> list[str]:
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in fixed)
    posted = f"(SELECT status FROM {INVOICE} WHERE id = {{}}.invoice_id) <> 'draft'"  # noqa: S608 - likewise

    def trigger(name: str, when: str, condition: str, says: str) -> str:
        return (
            f"CREATE TRIGGER {name} BEFORE {when} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{_SAYS[says]}'); END"
        )

    alone = _credited_alone(line_columns, "IS NOT")
    guards = [
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
            f"({posted.format('OLD')} OR {posted.format('NEW')}) AND NOT {alone}",
            "lines",
        ),
        trigger(f"{LINE}_kept", f"DELETE ON {LINE}", posted.format("OLD"), "lines"),
    ]
    if CREDITED not in line_columns:
        return guards
    # SQLite fires one trigger for one verb.
    says = f"NEW.{CREDITED} AND NOT {IS_CREDITED}"
    return [
        *guards,
        trigger(
            f"{LINE}_credited", f"UPDATE OF {CREDITED} ON {LINE}", says, "credited"
        ),
        trigger(
            f"{LINE}_not_credited",
            f"INSERT ON {LINE}",
            f"NEW.{CREDITED}",
            "credited",
        ),
    ]


def _postgresql(fixed: list[str], line_columns: list[str]) -> list[str]:
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in fixed)
    refuse = "EXECUTE FUNCTION refuse_invoice_change('{}')"
    line = (
        f"CREATE TRIGGER {{}} BEFORE {{}} ON {LINE}"
        " FOR EACH ROW {}EXECUTE FUNCTION keep_lines_of_posted_invoice()"
    )

    def trigger(name: str, when: str, condition: str, says: str) -> str:
        return (
            f"CREATE TRIGGER {name} BEFORE {when} ON {INVOICE} FOR EACH ROW"
            f" WHEN ({condition}) {refuse.format(_SAYS[says])}"
        )

    alone = _credited_alone(line_columns, "IS DISTINCT FROM")
    guards = [
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
        line.format(f"{LINE}_added", "INSERT", ""),
        line.format(f"{LINE}_fixed", "UPDATE", f"WHEN (NOT {alone}) "),
        line.format(f"{LINE}_kept", "DELETE", ""),
    ]
    if CREDITED not in line_columns:
        return guards
    check = (
        f"CREATE TRIGGER {{}} BEFORE {{}} ON {LINE} FOR EACH ROW"
        f" WHEN (NEW.{CREDITED}) EXECUTE FUNCTION check_line_credited()"
    )
    return [
        *guards,
        _CREDITED,
        check.format(f"{LINE}_credited", f"UPDATE OF {CREDITED}"),
        check.format(f"{LINE}_not_credited", "INSERT"),
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

# A new line is credited by nothing yet.
_CREDITED = f"""
CREATE OR REPLACE FUNCTION check_line_credited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NOT {IS_CREDITED} THEN
        RAISE EXCEPTION '{_SAYS["credited"]}' USING ERRCODE = 'restrict_violation';
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
        columns, line_columns = (
            [
                field.column
                for field in to_state.apps.get_model(
                    app_label, name
                )._meta.concrete_fields
            ]
            for name in ("Invoice", "InvoiceLine")
        )
        vendor = schema_editor.connection.vendor
        for statement in install_statements(vendor, columns, line_columns):
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


class LiftInvoiceGuards(KeepPostedInvoices):
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
        return "Lift the guards of invoices and their lines"


class CallCreditedLines(Operation):
    """Migration operation: say of stored lines that they are credited in full.

    The guards are lifted meanwhile.
    """

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """It changes rows, not the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        schema_editor.execute(
            f"UPDATE {LINE} AS NEW SET {CREDITED} = TRUE"  # noqa: S608 - names of this module
            f" WHERE EXISTS (SELECT 1 FROM {INVOICE} note"
            " WHERE note.credits_id = NEW.invoice_id AND note.status <> 'draft')"
            f" AND {IS_CREDITED}",
            params=None,
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """The column goes, and what it says with it."""

    def describe(self) -> str:
        return "Call the lines credited of which credit notes leave nothing"
