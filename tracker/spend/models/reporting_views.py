"""Views for reporting tools on PostgreSQL: plain names, amounts as `numeric`.

They stand in a schema of their own, so that one grant opens them and nothing else. No
person is in them: neither contractors nor our own people, nor free text; of augmented
engagements the title is left out too, since it may name who does the work.

A migration that changes a column which a view reads stands between
`ReportingViews(present=False)` and `ReportingViews()`. Docs: docs/reporting-views.md.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SCHEMA = "reporting"

_CREATE_SCHEMA = f"""
DO $$ BEGIN
    IF to_regnamespace('{SCHEMA}') IS NULL THEN CREATE SCHEMA {SCHEMA}; END IF;
END $$
"""

# As in MoneyField and FactorField: ten-thousandths, and hundred-millionths.
_MONEY = "({} / 10000.0)::numeric(20, 4)"
_FACTOR = "({} / 100000000.0)::numeric(20, 8)"


def _money(column: str, name: str) -> str:
    return f"{_MONEY.format(column)} AS {name}"


_ENGAGEMENT = """
       e.reference AS engagement,
       CASE WHEN e.kind = 'managed' THEN e.title END AS title,
       e.kind AS model,
       d.name AS department,
       s.name AS service"""

_ENGAGEMENT_JOINS = """
  LEFT JOIN engagements_department d ON d.id = e.department_id
  LEFT JOIN engagements_service s ON s.id = e.service_id"""

VIEWS = {
    "spend_lines": f"""
SELECT l.id AS entry,
       l.booked_month,
       l.month AS service_month,
       l.day,{_ENGAGEMENT},
       v.legal_name AS vendor,
       v.public_id AS vendor_id,
       c.code AS cost_centre,
       c.name AS cost_centre_name,
       l.charge_kind AS charge,
       l.charge_kind <> 'tax' AS is_spend,
       l.basis,
       {_money("l.amount", "amount")},
       l.currency,
       {_FACTOR.format("l.fx_rate")} AS exchange_rate,
       l.fx_on AS exchange_rate_of,
       l.fx_source AS exchange_rate_from,
       {_money("l.reporting_amount", "reporting_amount")},
       l.source_type AS source,
       l.reversal_of_id AS reversal_of,
       l.posted_at
  FROM tracker_ledgerentry l
  JOIN engagements_engagement e ON e.id = l.engagement_id
  JOIN engagements_vendor v ON v.id = l.vendor_id
  JOIN engagements_costcentre c ON c.id = l.cost_centre_id{_ENGAGEMENT_JOINS}
""",
    "monthly_spend": f"""
SELECT m.booked_month,
       m.month AS service_month,{_ENGAGEMENT},
       v.legal_name AS vendor,
       v.public_id AS vendor_id,
       c.code AS cost_centre,
       c.name AS cost_centre_name,
       m.charge_kind AS charge,
       m.charge_kind <> 'tax' AS is_spend,
       m.basis,
       {_money("m.amount", "amount")},
       e.currency,
       {_money("m.reporting_amount", "reporting_amount")}
  FROM tracker_monthlyspend m
  JOIN engagements_engagement e ON e.id = m.engagement_id
  JOIN engagements_vendor v ON v.id = m.vendor_id
  JOIN engagements_costcentre c ON c.id = m.cost_centre_id{_ENGAGEMENT_JOINS}
""",
    "engagement_terms": f"""
SELECT{_ENGAGEMENT.lstrip(",")},
       v.legal_name AS vendor,
       v.public_id AS vendor_id,
       e.status,
       e.starts_on,
       e.ends_on,
       e.term_starts_on,
       e.term_ends_on,
       e.notice_deadline_on,
       t.price_from,
       t.price_until,
       {_money("t.price", "price")},
       t.unit,
       e.currency
  FROM engagements_engagement e
  JOIN engagements_vendor v ON v.id = e.vendor_id{_ENGAGEMENT_JOINS}
  LEFT JOIN (
       SELECT contract_id AS engagement_id, starts_on AS price_from,
              lead(starts_on) OVER (PARTITION BY contract_id ORDER BY starts_on) - 1
                  AS price_until,
              monthly_fee AS price, 'month' AS unit
         FROM engagements_feeterm
        UNION ALL
       SELECT assignment_id, starts_on,
              lead(starts_on) OVER (PARTITION BY assignment_id ORDER BY starts_on) - 1,
              rate, unit
         FROM engagements_rateterm) t ON t.engagement_id = e.id
""",
    "invoice_lines": f"""
SELECT v.legal_name AS vendor,
       v.public_id AS vendor_id,
       i.number AS invoice,
       i.kind,
       i.status,
       i.issued_on,
       i.due_on,
       i.paid_on,
       {_money("i.total", "invoice_total")},
       n.number AS line,{_ENGAGEMENT},
       n.charge_kind AS charge,
       n.period_from,
       n.period_to,
       {_money("n.amount", "amount")},
       i.currency
  FROM tracker_invoiceline n
  JOIN tracker_invoice i ON i.id = n.invoice_id
  JOIN engagements_vendor v ON v.id = i.vendor_id
  JOIN engagements_engagement e ON e.id = n.engagement_id{_ENGAGEMENT_JOINS}
""",
}


class ReportingViews(Operation):
    """Migration operation: have the views as they are written here, or none."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, *, present: bool = True) -> None:
        self.present = present

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Views are read by others alone; no model stands for them."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _have(schema_editor, present=self.present)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _have(schema_editor, present=not self.present)

    def describe(self) -> str:
        return f"{'Make' if self.present else 'Drop'} the views for reporting tools"


def _have(schema_editor: BaseDatabaseSchemaEditor, *, present: bool) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in VIEWS:
        schema_editor.execute(f"DROP VIEW IF EXISTS {SCHEMA}.{name}", params=None)
    if not present:
        return
    schema_editor.execute(_CREATE_SCHEMA, params=None)
    for name, query in VIEWS.items():
        schema_editor.execute(f"CREATE VIEW {SCHEMA}.{name} AS {query}", params=None)
