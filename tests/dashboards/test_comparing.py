"""Breakdowns held against earlier months, budgets and plans."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
import time_machine

from engagements.choices import Role
from engagements.models import Service
from tests.dashboards.spending import make_paid_contract, pay
from tests.factories import (
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.spend.models import Budget, BudgetMonth

pytestmark = pytest.mark.django_db

SEPTEMBER, OCTOBER = date(2026, 9, 5), date(2026, 10, 5)
MONTH = "from=2026-10&to=2026-10"
SLUGS = ["vendors", "cost-centres", "departments", "services", "models"]


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


@pytest.fixture
def company():
    """Two departments: one spends in October, the other did in September."""
    root = make_department(code="ROOT")
    one = make_department(code="ONE", name="One", parent=root)
    two = make_department(code="TWO", name="Two", parent=root)
    centre = make_cost_centre(code="C1", department=one)
    budget = Budget.objects.create(cost_centre=centre, year=2026)
    BudgetMonth.objects.create(
        budget=budget, month=date(2026, 10, 1), amount=Decimal(100)
    )
    contract = make_contract(
        fee=Decimal(30),
        status="active",
        starts_on=date(2026, 1, 1),
        vendor=make_vendor(legal_name="Calder"),
        department=one,
        service=Service.objects.create(name="Payroll"),
        cost_shares={centre: Decimal(100)},
    )
    pay(contract, "40", SEPTEMBER)
    pay(contract, "55.50", OCTOBER)
    make_paid_contract("7", SEPTEMBER, department=two)
    return contract


def rows_of(client, slug, compare):
    response = client.get(f"/spend/{slug}.csv?{MONTH}&compare={compare}")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


def sums_of(rows):
    return [
        sum(Decimal(row[name]) for row in rows)
        for name in ("Total", "Compared with", "Difference")
    ]


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize(
    ("compare", "before"), [("previous", "47"), ("last-year", "0"), ("plan", "30")]
)
def test_breakdowns_sum_to_both_periods(
    client, finance, company, slug, compare, before
):
    rows = rows_of(client, slug, compare)

    spent = Decimal("55.50")
    assert sums_of(rows) == [spent, Decimal(before), spent - Decimal(before)]


def test_a_row_is_held_against_its_own_past(client, finance, company):
    (calder, rest) = rows_of(client, "vendors", "previous")

    assert (calder["Vendor"], calder["Compared with"]) == ("Calder", "40.00")
    assert (calder["Difference"], calder["Difference in %"]) == ("15.50", "0.3875")
    assert (rest["Vendor"], rest["Total"], rest["Compared with"]) == (
        "Without spend in these months",
        "0.00",
        "7.00",
    )


@pytest.mark.parametrize(
    ("slug", "name"), [("cost-centres", "C1"), ("departments", "One")]
)
def test_budgets_are_of_cost_centres_and_their_departments(
    client, finance, company, slug, name
):
    (row,) = rows_of(client, slug, "budget")

    assert name in [*row.values()]
    assert (row["Compared with"], row["Difference"]) == ("100.00", "-44.50")


def test_what_has_no_budget_is_shown_without_a_comparison(client, finance, company):
    page = client.get(f"/spend/vendors/?{MONTH}&compare=budget").context["page"]

    assert "Compared with" not in [head.text for head in page.table.heads]
    assert [link.title for link in page.choices if link.is_current] == ["Not compared"]
    assert client.get("/spend/vendors/?compare=luck").status_code == 400


def test_the_page_says_what_it_is_compared_with(client, finance, company):
    page = client.get(f"/spend/vendors/?{MONTH}&compare=last-year").context["page"]

    assert page.note == "Compared with October 2025."
    chosen = [link for link in page.choices if link.is_current]
    assert [link.title for link in chosen] == ["With the year before"]
