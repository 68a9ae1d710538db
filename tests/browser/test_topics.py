"""The topics in a browser: load, filter, drill down, export; readable, whole, quiet."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from engagements.choices import Role
from engagements.models import Department
from tests.browser.accessible import findings
from tests.dashboards.spending import bill, pay
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import Budget
from tracker.spend.services import set_budget

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
LONG = "Availability of every till, payment terminal and back office of all stores "
# Of each page: a card, its column that is summed, and where its first row opens.
CARDS = {
    "my": ("my-engagements", "Spend of 12 months", "/admin/engagements/"),
    "vendors": ("concentration", "Spend", "/vendors/?department="),
    "cost-centres": ("burn", "Spent to date", "/cost-centres/?department="),
    "contractors": ("hours", "Spend", "/contractors/?department="),
    "data-quality": ("by-engagement", "Spend", "/data-quality/gaps/?department="),
}


@pytest.fixture
def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on(
        "console",
        lambda message: found.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def site(page: Page, live_server) -> str:
    """Two departments with work and spend, where somebody who sees all is logged in."""
    person = make_user(
        Role.ADMINISTRATOR, Role.MANAGER, username="mara", password=PASSWORD
    )
    today = date.today()  # noqa: DTZ011 - the pages look at the running year
    year = fiscal_year_of(today)
    for number in (1, 2):
        department = make_department(code=f"DEP{number}", name=f"{LONG}{number}"[:120])
        centre = make_cost_centre(department=department)
        amounts = {month: Decimal(100) for month in fiscal_months(year)}
        set_budget(
            budget=Budget(cost_centre=centre, year=year), amounts=amounts, actor=None
        )
        terms: dict[str, Any] = {
            "department": department,
            "cost_shares": {centre: Decimal(100)},
            "manager": person,
            "starts_on": date(today.year - 2, 1, 1),
        }
        pay(begun(make_contract(title=LONG, **terms)), f"{number}000.37", today)
        assignment = begun(make_assignment(role="Engineer", **terms))
        bill(assignment, today, [("time", "600.25")])
    page.goto(live_server.url)
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    return str(live_server.url)


def money(text: str) -> Decimal:
    return Decimal(text.replace("£", "").replace(",", ""))


def summed(path: Path, column: str) -> Decimal:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def place_of(page: Page, card: str, column: str) -> int:
    heads = page.locator(f"#{card} thead th").all_inner_texts()
    return heads.index(column)


@pytest.mark.parametrize("topic", CARDS)
def test_a_page_loads_filters_drills_and_exports(
    page: Page, site: str, complaints: list[str], topic: str, tmp_path: Path
):
    card, column, opens = CARDS[topic]
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site}/{topic}/")
    assert findings(page) == []
    whole = page.locator(f"#{card} tfoot tr > *").nth(place_of(page, card, column))
    everything = money(whole.inner_text())

    code = Department.objects.order_by("pk").values_list("code", flat=True).first()
    page.select_option("#filter-department", code)
    page.wait_for_url(f"**/{topic}/?*department={code}*")
    part = money(whole.inner_text())
    with page.expect_download() as saved:
        page.locator(f"#{card} .downloads a").first.click()
    file = tmp_path / "rows.csv"
    saved.value.save_as(file)

    assert 0 < part < everything
    assert summed(file, column) == part

    page.locator(f"#{card} thead a").last.click()
    page.wait_for_url("**sort=*")
    expect(page.locator("thead [aria-sort]")).to_have_count(1)
    assert parse_qs(urlsplit(page.url).query)["department"] == [code]

    first = page.locator("tbody th a").first
    assert (first.get_attribute("href") or "").startswith(opens)
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: opens in url)
    expect(page.locator("h1").first).to_be_visible()
    page.go_back()
    page.wait_for_url("**sort=*")

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{site}/{topic}/")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert findings(page) == []
    assert complaints == []
