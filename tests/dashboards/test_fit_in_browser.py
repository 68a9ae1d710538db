"""The pages of fit in a browser: readable by all, and the verdict moves at once."""

from datetime import date
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from engagements.choices import Role
from tests.browser.accessible import findings
from tests.browser.test_topics import money, summed
from tests.factories import make_department, make_user, make_vendor
from tests.fit.records import TODAY, imported, plant_spend, team_bought_by_the_hour
from tracker.fit.services import assess

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
CANARY = "<img src=x onerror=document.title='owned'><script>window.owned=1</script>"


@pytest.fixture
def site(page, live_server):
    """The address of a site with verdicts in it, where Finance is logged in."""
    make_user(Role.FINANCE, username="mara", password=PASSWORD)
    for number, amount in ((1, "9000.07"), (2, "4000.01")):
        engagement = team_bought_by_the_hour(
            title=CANARY,
            vendor=make_vendor(legal_name=f"{CANARY}{number}"),
            reference=f"AUG-{number}",
            department=make_department(code=f"DEP{number}"),
        )
        until = date(2026, 10, 15)
        plant_spend(engagement, amount=Decimal(amount), months=12, until=until)
    imported()
    assess(as_of=TODAY, actor=None)
    page.goto(live_server.url)
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/")
    return live_server.url


ADDRESSES = (
    "/fit/",
    "/fit/verdicts/",
    "/fit/what-if/",
    "/fit/what-if/?engagement=AUG-1&direction=60",
    "/fit/what-if/?direction=many&v.core_work=0",
    "/fit/what-if/?engagement=none",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_accessibility_failures(page, site, scheme):
    page.emulate_media(color_scheme=scheme)

    for address in ADDRESSES:
        page.goto(site + address)
        assert findings(page) == [], address


def test_portfolio_filters_sorts_exports_and_opens_its_rows(page, site, tmp_path):
    page.goto(site + "/fit/")
    whole = page.locator("#verdicts tfoot .number").filter(has_text="£")
    everything = money(whole.inner_text())

    page.select_option("#filter-department", "DEP1")
    page.wait_for_url("**/fit/?*department=DEP1*")
    part = money(whole.inner_text())
    with page.expect_download() as saved:
        page.locator("#verdicts .downloads a").first.click()
    file = tmp_path / "rows.csv"
    saved.value.save_as(file)

    assert part == Decimal("108000.84")
    # The other team, and what was imported.
    assert everything == part + Decimal("48000.12") + 12_000
    assert summed(file, "Spend a year") == part
    for kind in ("XLSX", "PDF", "SVG", "PNG"):
        with page.expect_download() as saved:
            page.click(f"#verdicts .downloads a:text-is('{kind}')")
        assert saved.value.suggested_filename == f"verdicts.{kind.lower()}"

    page.click("#verdicts thead a:text-is('Spend a year')")
    page.wait_for_url("**/fit/verdicts/?department=DEP1&sort=-spend_a_year")
    expect(page.locator("thead [aria-sort]")).to_have_text("Spend a year")
    page.locator("tbody th a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/tracker/assessment/*/change/")
    page.go_back()
    page.click("summary >> text=Save this page")
    page.fill("#save-name", "Dear ones")
    page.click(".save-page button")
    page.wait_for_url("**/saved/")
    page.click("main a >> text=Dear ones")
    page.wait_for_url("**/fit/verdicts/?department=DEP1&sort=-spend_a_year")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_pages_are_no_wider_than_the_screen(page, site, width):
    page.set_viewport_size({"width": width, "height": 900})

    for address in ADDRESSES:
        page.goto(site + address)

        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_verdict_moves_while_somebody_types_and_keeps_to_the_policy(page, site):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site + "/fit/what-if/?engagement=AUG-1")
    verdict = page.locator("[data-outcome] .verdict")
    expect(verdict).to_have_text("Other model fits better")

    for name in ("direction", "core_work"):
        page.fill(f"[name={name}]", "100")
    for name in ("skills_breadth",):
        page.fill(f"[name={name}]", "1")
    page.fill("[name='v.direction']", "10")

    expect(verdict).to_have_text("Current model fits")
    assert "direction=100" in page.url
    assert page.evaluate("window.owned") is None
    assert complaints == []


def test_page_works_without_script(browser, live_server, site, page):
    context = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(site + "/fit/what-if/?engagement=AUG-1")

    plain.fill("[name=direction]", "90")
    plain.click("text=Judge")

    expect(plain.locator("[data-outcome]")).to_contain_text("as recorded")
    context.close()
