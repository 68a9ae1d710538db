"""The finance overview: its year, its cards, and that all of it adds up."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role
from engagements.models import Service
from tests.dashboards.spending import bill, make_paid_contract, pay
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)
from tracker.spend.models import Budget, BudgetMonth, LedgerEntry
from tracker.spend.services import verify_ledger

pytestmark = pytest.mark.django_db

SEPTEMBER, OCTOBER = date(2026, 9, 5), date(2026, 10, 5)
LAST_OCTOBER = date(2025, 10, 5)
CARDS = ["fiscal-year", "departments", "services", "models", "variances", "at-stake"]


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def make_budget(centre, amounts):
    budget = Budget.objects.create(cost_centre=centre, year=2026)
    for month, amount in amounts.items():
        BudgetMonth.objects.create(budget=budget, month=month, amount=Decimal(amount))
    return budget


def page_of(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return response.context["page"]


def pounds(text):
    return Decimal(re.sub(r"[£,]", "", text).replace("\N{MINUS SIGN}", "-"))


def cells(table, heading):
    """Return the cells of the column with this heading, and the one of its total."""
    place = [head.text for head in table.heads].index(heading)
    total = table.totals[place] if table.totals else None
    return [row.cells[place] for row in table.rows], total


def test_finance_title_holds_the_month_against_its_budget(client, finance):
    centre = make_cost_centre()
    make_budget(centre, {date(2026, 10, 1): "1000"})
    contract = make_contract(cost_shares={centre: Decimal(100)})
    pay(contract, "1401", OCTOBER)

    assert page_of(client, "/").title == (
        "External spend was £401 over budget in October, at £1.4k"
    )
    narrowed = page_of(client, f"/?vendor={contract.vendor.public_id}")
    assert narrowed.title.endswith("after none in September")


def test_fiscal_year_tells_each_month_as_booked_and_the_year_before(client, finance):
    centre = make_cost_centre()
    make_budget(centre, {date(2026, 9, 1): "500", date(2026, 10, 1): "1000"})
    contract = make_contract(cost_shares={centre: Decimal(100)})
    pay(contract, "300", SEPTEMBER)
    pay(contract, "1401", OCTOBER)
    pay(contract, "77", LAST_OCTOBER)

    table = page_of(client, "/spend/fiscal-year/").table

    rows = {row.cells[0].text: [cell.text for cell in row.cells] for row in table.rows}
    heads = [head.text for head in table.heads]
    october = dict(zip(heads, rows["Oct 2026"], strict=True))
    assert len(rows) == 12
    assert (october["Actual"], october["Budget"], october["Previous year"]) == (
        "£1,401.00",
        "£1,000.00",
        "£77.00",
    )
    assert october["Against budget"] == "£401.00"
    actual, total = cells(table, "Actual")
    assert (
        sum(pounds(cell.text) for cell in actual)
        == pounds(total.text)
        == Decimal("1701")
    )


def test_the_key_of_a_chart_is_in_the_readers_language(client, finance):
    centre = make_cost_centre()
    make_budget(centre, {date(2026, 10, 1): "1000"})
    pay(make_contract(cost_shares={centre: Decimal(100)}), "1401", OCTOBER)
    client.cookies["django_language"] = "es"

    card = client.get("/spend/fiscal-year/card/").content.decode()

    key = re.findall(r"</svg>\s*([^<]+?)\s*</", card)
    assert {"Facturado o pagado", "Presupuesto"} <= set(key)
    assert not {"Invoiced or paid", "Budget"} & set(key)


def test_fiscal_year_adds_what_is_planned_to_the_months_to_come(client, finance):
    centre = make_cost_centre()
    contract = make_contract(
        fee=Decimal(100),
        starts_on=date(2026, 1, 1),
        status="active",
        cost_shares={centre: Decimal(100)},
    )
    pay(contract, "100", OCTOBER)

    for address in (
        "/spend/fiscal-year/",
        f"/spend/fiscal-year/?cost_centre={centre.code}",
    ):
        table = page_of(client, f"{address}").table

        by_month = {row.cells[0].text: row.cells for row in table.rows}
        heads = [head.text for head in table.heads]
        december = dict(zip(heads, by_month["Dec 2026"], strict=True))
        assert december["Still to come"].text == "£100.00", address
        assert december["Forecast"].text == "£100.00"
        assert december["Of it committed"].text == "£100.00"
        assert december["Actual"].text == "£0.00"


def test_every_figure_of_the_year_opens_rows_of_the_same_sum(client, finance):
    contract = make_contract()
    pay(contract, "10.10", OCTOBER)
    bill(contract, SEPTEMBER, [("one_off", "33.33"), ("credit", "-0.01")])
    pay(make_assignment(), "20.20", OCTOBER)

    table = page_of(client, "/spend/fiscal-year/").table
    opened = 0
    for cell in cells(table, "Actual")[0]:
        if cell.href:
            (total,) = cells(page_of(client, cell.href).table, "Amount")[1:]
            assert total.text == cell.text
            opened += 1

    assert opened == 2


def make_spread_of_spend():
    """Post spend over departments, services, cost centres and models."""
    root = make_department(code="ROOT", name="Root")
    left = make_department(code="LEFT", name="Left", parent=root)
    leaf = make_department(code="LEAF", name="Leaf", parent=left)
    service = Service.objects.create(name="Payroll")
    vendor = make_vendor(legal_name="Calder")
    centre = make_cost_centre(code="C1")
    split = {centre: Decimal("33.33"), make_cost_centre(code="C2"): Decimal("66.67")}
    shared = {"vendor": vendor, "cost_shares": split}
    make_paid_contract("0.10", OCTOBER, department=root, service=service, **shared)
    make_paid_contract("20.01", OCTOBER, department=left, **shared)
    make_paid_contract("7.77", SEPTEMBER, department=leaf, service=service)
    pay(make_assignment(department=root), "3.33", OCTOBER)
    bill(
        make_contract(department=left),
        SEPTEMBER,
        [("one_off", "5.05"), ("credit", "-0.01")],
    )


@pytest.mark.parametrize(
    "slug", ["vendors", "cost-centres", "departments", "services", "models", "months"]
)
def test_children_sum_to_their_parent_at_every_drill(client, finance, slug):
    make_spread_of_spend()
    whole = sum(
        entry.reporting_amount
        for entry in LedgerEntry.objects.exclude(charge_kind="tax")
    )

    def drill(address, expected, depth):
        rows, total = cells(page_of(client, address).table, "Total")
        assert pounds(total.text) == sum(pounds(cell.text) for cell in rows) == expected
        for cell in rows:
            if not cell.href:
                continue
            entries = page_of(client, cell.href)
            assert cells(entries.table, "Amount")[1].text == cell.text
            if depth:
                narrowed = cell.href.replace("ledger-entries", "departments")
                drill(narrowed, pounds(cell.text), depth - 1)

    drill(f"/spend/{slug}/", whole, 3 if slug == "departments" else 1)
    assert verify_ledger().roll_up_mismatches == []


@pytest.mark.parametrize("slug", CARDS)
def test_cards_answer_alone_and_as_often_as_the_page_changes(client, finance, slug):
    make_spread_of_spend()

    first = client.get(f"/spend/{slug}/card/")
    again = client.get(f"/spend/{slug}/card/", headers={"If-None-Match": first["ETag"]})

    text = first.content.decode()
    assert (first.status_code, again.status_code) == (200, 304)
    assert text.lstrip().startswith("<section")
    assert re.findall(r"<[^>]+\s(?:style|on\w+)=|<script|<style", text) == []


def test_finance_names_a_card_for_each_part_that_takes_longer(client, finance):
    make_spread_of_spend()

    page = page_of(client, "/")

    asked = [card.card_href for card in [*page.first, *page.later]]
    assert asked == [
        f"/spend/{slug}/card/"
        for slug in ("fiscal-year", "departments", "services", "at-stake", "variances")
    ]
    assert {client.get(address).status_code for address in asked} == {200}


@pytest.mark.parametrize(
    ("slug", "queries"),
    [("fiscal-year", 12), ("departments", 8), ("services", 9), ("at-stake", 19)],
)
def test_cards_ask_as_often_whatever_the_rows(
    client, finance, django_assert_num_queries, slug, queries
):
    for count in (1, 2):
        for number in range(count):
            make_paid_contract(
                f"{number}.5",
                OCTOBER,
                department=make_department(),
                service=Service.objects.create(name=f"{count}.{number}"),
            )

        with django_assert_num_queries(queries):
            client.get(f"/spend/{slug}/card/")
