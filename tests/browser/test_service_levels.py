"""The pages of service levels in a browser: readable by all, whole on a phone."""

from datetime import date
from pathlib import Path

import pytest

from engagements.choices import Role
from tests.browser.accessible import findings
from tests.dashboards.test_service_levels import grow
from tests.factories import make_user
from tests.performance.contracts import add_level, contract_with, measured
from tracker.performance.models import LevelProgress, LevelResult
from tracker.performance.services import excuse_window

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
LONG = "Availability of every till, payment terminal and back office of all stores " * 2


@pytest.fixture
def site(page, live_server):
    """Levels with each outcome and a risk now, where Finance is logged in."""
    finance = make_user(Role.FINANCE, username="mara", password=PASSWORD)
    grow(2)
    today = date.today()  # noqa: DTZ011 - the pages look at the running window
    LevelProgress.objects.update(
        window_from=today.replace(day=1), window_to=date(today.year + 1, 1, 1)
    )
    contract, _levels = contract_with()
    level = add_level(contract, name=LONG[:120])
    measured(level, "2026-06", "99.9")
    excuse_window(
        result=measured(level, "2026-07", "90"), reason="Our own move", actor=finance
    )
    page.goto(live_server.url)
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/")
    return live_server.url


def addresses():
    result = LevelResult.objects.filter(outcome="missed").first()
    return [
        "/service-levels/?period=all",
        "/service-levels/windows/?period=all",
        f"/service-levels/windows/{result.public_id}/",
        "/service-levels/?from=1999-01&to=1999-01",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_accessibility_failures(page, site, scheme):
    page.emulate_media(color_scheme=scheme)

    for address in addresses():
        page.goto(site + address)
        assert findings(page) == [], address


@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_the_screen_and_show_map_and_risks(page, site, width, tmp_path: Path):
    page.set_viewport_size({"width": width, "height": 900})

    for address in addresses():
        page.goto(site + address)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, address
    page.goto(f"{site}/service-levels/?period=all")
    page.screenshot(path=tmp_path / f"service-levels-{width}.png", full_page=True)
    shown = "chart-narrow" if width == 390 else "chart-wide"
    signs = page.locator(f".{shown} .heat-sign").all_text_contents()
    assert {"✓", "✗", "·", "–"} == set(signs)  # noqa: RUF001 - a sign of a cell
    assert page.locator("#at-risk").is_visible()


def test_a_cell_opens_its_window_by_keyboard(page, site):
    page.goto(f"{site}/service-levels/?period=all")
    cell = page.locator(".chart-wide a[aria-label*='Missed']").first
    said = cell.get_attribute("aria-label")
    cell.focus()
    page.keyboard.press("Enter")

    page.wait_for_url("**/service-levels/windows/*/")
    assert page.inner_text("h1") == said.partition(": ")[0]
