"""What reporting tools read on PostgreSQL: columns, exact amounts, nobody's name."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from config.env import BASE_DIR
from engagements.models import RateTerm
from engagements.services.terms import amend_rate
from tests.factories import begun, make_assignment, make_contract
from tests.spend.test_ledger import bill, pay, work
from tracker.spend.models import LedgerEntry, MonthlySpend
from tracker.spend.models.reporting_views import SCHEMA, VIEWS
from tracker.spend.services import log_work_lines

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


# The fee, a day accrued and reversed, its bill, a payment.
ENTRIES = 5
DOCS = BASE_DIR / "docs" / "reporting-views.md"


def documented_columns(view: str) -> list[str]:
    section = DOCS.read_text().split(f"## {view}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)`", section, re.MULTILINE)


@pytest.fixture
def company() -> None:
    bill(make_contract(title="Payroll"), "1000.01", number="F-1")
    assignment = make_assignment(rate=Decimal(600), title="Ada Lovelace")
    log_work_lines(lines=[work(assignment, 5)], actor=None)
    bill(assignment, "620.00", number="T-1", charge_kind="time")
    dear = make_contract(currency="EUR")
    pay(begun(dear), "12345678901.23")


def read(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def columns(view: str) -> dict[str, str]:
    return dict(
        read(
            "SELECT column_name, data_type FROM information_schema.columns"
            f" WHERE table_schema = '{SCHEMA}' AND table_name = '{view}'"
            " ORDER BY ordinal_position"
        )
    )


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_the_columns_that_the_docs_name(view):
    assert list(columns(view)) == documented_columns(view)


@pytest.mark.parametrize("view", VIEWS)
def test_amounts_are_numeric_and_nothing_is_floating_point(view):
    types = columns(view)

    amounts = [name for name in types if name.endswith(("amount", "total", "price"))]
    assert amounts
    assert {types[name] for name in amounts} == {"numeric"}
    assert not {"double precision", "real"} & set(types.values())


def test_spend_lines_sum_to_the_ledger(company):
    found = read(
        f"SELECT SUM(amount), SUM(reporting_amount), COUNT(*) FROM {SCHEMA}.spend_lines"
    )

    sums = LedgerEntry.objects.aggregate(a=Sum("amount"), r=Sum("reporting_amount"))
    assert found == [(sums["a"], sums["r"], LedgerEntry.objects.count())]


def test_monthly_spend_sums_to_the_roll_up(company):
    found = read(
        f"SELECT SUM(amount), SUM(reporting_amount) FROM {SCHEMA}.monthly_spend"
    )

    sums = MonthlySpend.objects.aggregate(a=Sum("amount"), r=Sum("reporting_amount"))
    assert found == [(sums["a"], sums["r"])]


def test_large_amounts_are_exact_to_the_cent(company):
    [(amount,)] = read(
        f"SELECT amount FROM {SCHEMA}.spend_lines WHERE currency = 'EUR'"
    )
    assert amount == Decimal("12345678901.2300")


def test_terms_tell_each_price_and_until_when(company):
    assignment = make_assignment(rate=Decimal(500), starts_on=date(2026, 1, 1))
    term = RateTerm(
        assignment=assignment, starts_on=date(2026, 7, 1), rate=Decimal(550), unit="day"
    )
    amend_rate(term=term, actor=None)

    found = read(
        f"SELECT price_from, price_until, price, unit FROM {SCHEMA}.engagement_terms"
        f" WHERE engagement = '{assignment.reference}' ORDER BY price_from"
    )
    assert found == [
        (date(2026, 1, 1), date(2026, 6, 30), Decimal(500), "day"),
        (date(2026, 7, 1), None, Decimal(550), "day"),
    ]


def test_invoice_lines_sum_to_their_invoices(company):
    found = read(
        "SELECT invoice, invoice_total, SUM(amount)"
        f" FROM {SCHEMA}.invoice_lines GROUP BY 1, 2 ORDER BY 1"
    )
    assert found == [
        ("F-1", Decimal("1000.01"), Decimal("1000.01")),
        ("T-1", Decimal(620), Decimal(620)),
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_no_person_is_in_any_view(view, company):
    told = str(read(f"SELECT * FROM {SCHEMA}.{view}"))

    assert "Ada Lovelace" not in told
    assert not {"contractor", "manager", "description", "email"} & set(columns(view))


def test_a_read_only_role_reads_the_views_and_no_table(company):
    statements = [
        "CREATE ROLE bi_of_the_test NOLOGIN",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO bi_of_the_test",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO bi_of_the_test",
        "SET LOCAL ROLE bi_of_the_test",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"SELECT COUNT(*) FROM {SCHEMA}.spend_lines")
        assert cursor.fetchone() == (ENTRIES,)
        cursor.execute(
            "SELECT has_table_privilege('tracker_ledgerentry', 'SELECT'),"
            f" has_table_privilege('{SCHEMA}.spend_lines', 'UPDATE')"
        )
        assert cursor.fetchone() == (False, False)
        cursor.execute("RESET ROLE")
