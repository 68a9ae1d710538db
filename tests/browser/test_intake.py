"""A manager asks which model it should be, logs the draft, and finds both compared."""

import os

import pytest
from playwright.sync_api import Page, expect

from engagements.models import ManagedContract
from tests.browser.accessible import serious
from tests.browser.test_admin_logging import choose, complaints, desk, manager, save
from tests.factories import make_vendor
from tracker.fit.models import Advice

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")
ANSWERS = {
    "Does the work need broad or deep skills?": "Broad: a whole team's",
    "Must the budget be predictable, or follow the need?": "Predictable",
    "Have your managers the capacity to manage more people?": "No, their time is used",
    "How much guidance do you expect from the vendor?": "I don't know",
    "Which risk is acceptable?": "The vendor must answer",
}


def test_work_is_asked_about_logged_and_compared(
    desk: Page, live_server, manager, complaints
):
    make_vendor(legal_name="Tarnwell Systems Ltd")
    home = desk.locator(".home-actions")
    home.get_by_role("link", name="Which model should this be?").click()
    assert serious(desk) == []
    desk.get_by_label("What is the work?").fill("Night desk")
    for question, answer in ANSWERS.items():
        group = desk.get_by_role("group", name=question)
        group.get_by_role("radio", name=answer).check()
    desk.get_by_text("What else is known").click()
    desk.get_by_label("For how many months").fill("18")
    desk.get_by_label("Hours a week").fill("112.5")
    desk.get_by_label("Expected rate").fill("420")
    desk.get_by_label("Work on core systems").fill("10")
    assert serious(desk) == []
    shot(desk, "ask")

    desk.get_by_role("button", name="See which model fits").click()
    expect(desk.get_by_text("A managed service would fit")).to_be_visible()
    expect(desk.get_by_role("region", name="What it would cost")).to_be_visible()
    assert serious(desk) == []
    shot(desk, "answer")

    desk.get_by_role("link", name="Log it as managed service").click()
    expect(desk.locator("#id_title")).to_have_value("Night desk")
    choose(desk, "vendor", "Tarnwell")
    save(desk)
    contract = ManagedContract.objects.get()
    assert Advice.objects.get().engagement_id == contract.pk

    desk.goto(f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/")
    panel = desk.get_by_role("region", name="Advice and outcome")
    expect(panel).to_contain_text("Followed")
    shot(desk, "panel")
    panel.get_by_role("link", name="Advice").click()
    expect(desk.get_by_role("heading", name="What followed")).to_be_visible()
    assert serious(desk) == []
    desk.goto(f"{live_server.url}/admin/tracker/advice/")
    expect(desk.locator("#result_list")).to_contain_text("Night desk")
    assert serious(desk) == []
    assert complaints == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
