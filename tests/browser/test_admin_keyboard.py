"""The admin without a mouse, on a phone, and for those who hear or magnify it."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from engagements.choices import Status
from engagements.models import CostCentre, Engagement, ManagedContract, Vendor
from engagements.services.engagements import change_engagement
from tests.browser.accessible import serious
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.factories import make_contract

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

WIDTHS = (1440, 390)
# So many stops lie between any two places on a page, at the most.
MOST_STOPS = 150
FOCUSED = """() => {
  const at = document.activeElement;
  return (at.getAttribute("aria-label") || at.textContent || "").trim() || at.id;
}"""


@pytest.fixture
def contract(manager):
    return make_contract(
        manager=manager,
        department=manager.department,
        cost_shares={CostCentre.objects.get(code="4100"): Decimal(100)},
        actor=manager,
    )


def page_of(live_server, contract, part: str = "change") -> str:
    return f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/{part}/"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is so named has the focus."""
    for _stop in range(MOST_STOPS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if (
            focused == name
            or focused.endswith(f"\n{name}")
            or focused.split() == ([*focused.split()[:1], *name.split()])
        ):
            return
    raise AssertionError(f"{name} is not reached by Tab.")


def test_vendor_is_added_and_engagement_started_by_keyboard_alone(
    desk, live_server, contract, complaints
):
    desk.goto(f"{live_server.url}/admin/")
    desk.keyboard.press("Tab")
    assert desk.evaluate(FOCUSED) == "Skip to the content"
    desk.keyboard.press("Enter")
    assert desk.evaluate("document.activeElement.id") == "content"

    tab_to(desk, "Add vendor")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/vendor/add/")
    tab_to(desk, "id_legal_name")
    desk.keyboard.type("Tarnwell Systems Ltd")
    tab_to(desk, "Save")
    desk.keyboard.press("Enter")
    expect(desk.locator("#result_list")).to_contain_text("Tarnwell Systems Ltd")

    desk.goto(page_of(live_server, contract))
    tab_to(desk, "Start")
    opener = desk.evaluate("document.activeElement.getAttribute('hx-get')")
    desk.keyboard.press("Enter")
    dialog = desk.get_by_role("dialog", name="Start this engagement?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Start")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(desk.locator(f"a[hx-get='{opener}']").first).to_be_focused()

    desk.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Start")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Started.", exact=True)).to_be_visible()
    assert Vendor.objects.filter(legal_name="Tarnwell Systems Ltd").exists()
    assert Engagement.objects.get(pk=contract.pk).status == Status.ACTIVE
    assert complaints == []


def test_focus_stays_in_a_dialog(desk, live_server, contract):
    desk.goto(page_of(live_server, contract))
    desk.locator("a[hx-get$='/start/']").first.click()
    dialog = desk.get_by_role("dialog", name="Start this engagement?")
    expect(dialog.get_by_role("button", name="Start")).to_be_focused()

    for _stop in range(6):
        desk.keyboard.press("Tab")
        assert desk.evaluate(
            "document.querySelector('#modal-content').contains(document.activeElement)"
        )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_can_be_read_by_everybody_wide_and_narrow(
    desk, live_server, contract, theme
):
    desk.emulate_media(color_scheme=theme)
    found = {}
    for width in WIDTHS:
        desk.set_viewport_size({"width": width, "height": 900})
        for path in (
            f"{live_server.url}/admin/",
            page_of(live_server, contract),
            page_of(live_server, contract, "timeline"),
            page_of(live_server, contract, "history"),
        ):
            desk.goto(path)
            desk.wait_for_load_state("networkidle")
            found[f"{width} {path}"] = complaints_of(desk)
        found[f"{width} preview"] = preview(desk, live_server)
        found[f"{width} conflict"] = conflict(desk, live_server, contract)

    assert {place: said for place, said in found.items() if said} == {}


def preview(desk: Page, live_server) -> list[str]:
    desk.goto(f"{live_server.url}/admin/engagements/engagement/")
    desk.locator("input.action-select").first.check()
    desk.locator("select[name=action]").select_option("start")
    desk.locator("button[name=index]").first.click()
    expect(desk.get_by_role("table", name="What would change")).to_be_visible()
    return complaints_of(desk)


def conflict(desk: Page, live_server, contract) -> list[str]:
    desk.goto(page_of(live_server, contract))
    fresh = ManagedContract.objects.get(pk=contract.pk)
    fresh.scope = f"{fresh.scope} and more"
    change_engagement(engagement=fresh, actor=None)
    desk.fill("#id_title", "Mine")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_role("heading", name="What was changed")).to_be_visible()
    said = complaints_of(desk)
    assert desk.locator("#id_title").input_value() == "Mine"
    return said


def complaints_of(page: Page) -> list[str]:
    """What axe finds grave, and what scrolls sideways."""
    grave = serious(page)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        grave.append("the page scrolls sideways")
    split = page.locator("#cost_split-group .simplebar-content-wrapper")
    if split.count() and split.evaluate("w => w.scrollWidth > w.clientWidth"):
        grave.append("the cost split scrolls sideways")
    return grave
