"""The finance pages in a browser: readable by all, harmless, and whole on a phone."""

import csv
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engagements.choices import Role
from tests.browser.accessible import findings
from tests.dashboards.spending import make_paid_contract, pay
from tests.factories import (
    make_assignment,
    make_cost_centre,
    make_department,
    make_user,
    make_vendor,
)

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
CANARY = "<img src=x onerror=document.title='owned'><script>window.owned=1</script>"
LONG_NAME = "Meridian Network Operations (United Kingdom) Holdings Limited " * 3
ADDRESSES = [
    "/?period=all",
    "/spend/vendors/?period=all",
    "/spend/engagements/?period=all",
    "/spend/ledger-entries/?period=all",
    "/spend/fiscal-year/?sort=-forecast",
    "/spend/?period=all",
    "/saved/",
    "/?from=2026-13",
    "/?from=1999-01&to=1999-01",
]


@pytest.fixture
def site(page, live_server):
    """The address of a site with spend in it, where Finance is logged in."""
    make_user(Role.FINANCE, username="mara", password=PASSWORD)
    make_paid_contract(
        "1234567.89",
        date(2026, 1, 5),
        vendor=make_vendor(legal_name=CANARY),
        title=CANARY,
        department=make_department(name=CANARY),
        cost_shares={make_cost_centre(name=CANARY): Decimal(100)},
    )
    make_paid_contract(
        "-20", date(2026, 2, 5), vendor=make_vendor(legal_name=LONG_NAME[:200])
    )
    pay(make_assignment(), "9876543.21", date(2026, 3, 5))
    page.goto(live_server.url)
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/")
    return live_server.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_accessibility_failures(page, site, scheme):
    page.emulate_media(color_scheme=scheme)

    for address in ADDRESSES:
        page.goto(site + address)
        assert findings(page) == [], address


def test_pages_keep_to_the_policy_and_run_nothing_that_users_typed(page, site):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))

    for address in ADDRESSES[:7]:
        page.goto(site + address)

        assert page.evaluate("window.owned") is None
        assert "Engagement tracker" in page.title()
    assert complaints == []


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_pages_are_no_wider_than_the_screen(page, site, width):
    page.set_viewport_size({"width": width, "height": 900})

    for address in ADDRESSES:
        page.goto(site + address)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")

        assert too_wide <= 0, address


def test_filters_work_with_back_and_forward(page, site):
    page.goto(f"{site}/?period=all")
    page.click("#by-vendor tbody tr:first-child a")
    narrowed = page.inner_text("h1")
    page.go_back()
    whole = page.inner_text("h1")
    page.go_forward()

    assert "Vendor" in narrowed
    assert page.inner_text("h1") == narrowed != whole


def test_finance_overview_is_loaded_filtered_drilled_saved_and_exported(page, site):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site}/?from=2026-01&to=2026-03")

    # Every card has come, in the room that was kept for it.
    expect(page.locator("[data-card]")).to_have_count(0)
    expect(page.locator("#fiscal-year figure")).to_be_visible()
    spend = page.locator(".figure .value a").first.inner_text()
    for card in ("by-month", "by-vendor", "by-cost-centre", "departments", "services"):
        totals = page.locator(f"#{card} tfoot").inner_text()
        assert spend in totals, card

    page.click("#by-vendor tbody tr:first-child th a")
    narrowed = page.locator(".figure .value a").first.inner_text()
    assert narrowed != spend
    page.locator(".figure .value a").first.click()
    expect(page.locator("h1")).to_have_text("Ledger entries")
    assert narrowed in page.locator("tfoot").inner_text()
    with page.expect_download() as download:
        page.click("text=CSV")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(StringIO(text, newline="")))
    total = sum(Decimal(row["Reporting amount"]) for row in rows)
    assert f"£{total:,.2f}" == narrowed

    page.click("thead >> text=Amount")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Amount")
    page.click("summary >> text=Save this page")
    page.fill("#save-name", "Largest postings")
    page.click(".save-page button")
    page.click("main >> text=Largest postings")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Amount")
    assert narrowed in page.locator("tfoot").inner_text()
    assert complaints == []


def test_theme_is_kept_when_the_reader_chose_one(page, site):
    page.emulate_media(color_scheme="light")
    page.goto(f"{site}/?period=all")
    page.click("[data-theme-toggle]")
    page.reload()

    scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == "dark"


def test_user_menu_logs_out(page, site):
    page.goto(site)
    page.click("details.user-menu summary")
    page.click("text=Log out")
    page.goto(site)

    assert "/admin/login/" in page.url
