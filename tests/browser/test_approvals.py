"""An engagement on its way through approval, between two people at their browsers."""

import os
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from engagements.choices import ApprovalOutcome, Role, Status
from engagements.models import Approval, ManagedContract, User
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import (
    PASSWORD,
    choose,
    complaints,
    desk,
    manager,
    save,
)
from tests.factories import make_contract, make_rule, make_user, make_vendor, stored

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")
# Milliseconds that a step may take on a busy machine.
SLOW = 20_000


@pytest.fixture
def checker(manager) -> User:
    found = make_user(
        Role.MANAGER,
        username="chen",
        password=PASSWORD,
        first_name="Lin",
        last_name="Chen",
        department=manager.department,
    )
    # Who asks is a member too, and still no approver of their own.
    make_rule(found, manager, name="Contracts")
    return found


@pytest.fixture
def other_desk(browser: Browser, live_server, checker) -> Page:
    """The other manager's browser, logged in."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "chen")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def test_manager_logs_and_sends_is_no_own_approver_and_another_decides(
    desk, other_desk, live_server, complaints
):
    make_vendor(legal_name="Tarnwell Systems Ltd")
    admin = f"{live_server.url}/admin/engagements"
    queue = f"{admin}/approval/"

    desk.goto(f"{admin}/managedcontract/add/")
    desk.fill("#id_title", "Network operations")
    choose(desk, "vendor", "Tarnwell")
    desk.fill("#id_monthly_fee", "12,500")
    save(desk)
    expect(desk.locator("#result_list")).to_contain_text("Network operations")
    contract = ManagedContract.objects.get()
    page = f"{admin}/managedcontract/{contract.pk}/change/"

    desk.goto(page)
    expect(desk.locator("a[hx-get$='/start/']")).to_have_count(0)
    send(desk)
    expect(desk.get_by_text("Sent for approval.")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("region", name="Waits for approval")).to_contain_text(
        "asked by Maya Osei"
    )
    # The buttons are not offered, and their address is refused all the same.
    expect(desk.locator("a[hx-get$='/approve/']")).to_have_count(0)
    answer = desk.request.get(page.replace("/change/", "/approve/"))
    assert answer.status == 403
    desk.goto(queue)
    expect(desk.get_by_role("heading", name="Nothing waits here")).to_be_visible(
        timeout=SLOW
    )
    assert serious(desk) == []

    other_desk.goto(queue)
    expect(other_desk.locator("#result_list")).to_contain_text("£150,000.00")
    assert serious(other_desk) == []
    shot(other_desk, "queue")
    other_desk.get_by_role("link", name="Reject: Network operations").click()
    dialog = other_desk.locator("#dialog")
    expect(dialog).to_contain_text("Tarnwell Systems Ltd")
    assert serious(other_desk) == []
    dialog.get_by_label("Reason").fill("Ask for a second offer")
    dialog.get_by_role("button", name="Reject").click()
    expect(other_desk.get_by_text("Rejected.", exact=True)).to_be_visible(timeout=SLOW)
    assert stored(contract).status == Status.DRAFT

    desk.goto(page)
    desk.get_by_role("link", name=re.compile("approvals", re.I)).last.click()
    expect(desk.get_by_text("Ask for a second offer")).to_be_visible(timeout=SLOW)
    send(desk)
    expect(desk.get_by_text("Sent for approval.")).to_be_visible(timeout=SLOW)

    other_desk.goto(page)
    take_step(other_desk, "approve")
    other_desk.locator("#dialog").get_by_role("button", name="Approve").click()
    expect(other_desk.get_by_text("Approved.", exact=True)).to_be_visible(timeout=SLOW)

    assert stored(contract).status == Status.ACTIVE
    outcomes = list(Approval.objects.values_list("outcome", flat=True))
    assert outcomes == [ApprovalOutcome.REJECTED, ApprovalOutcome.APPROVED]
    assert complaints == []


def test_change_order_is_recorded_once_its_effect_was_shown(
    desk, other_desk, live_server, manager, complaints
):
    contract = make_contract(manager=manager, department=manager.department)
    ManagedContract.objects.filter(pk=contract.pk).update(status=Status.ACTIVE)
    desk.goto(
        f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/change/"
    )

    take_step(desk, "change-order")
    dialog = desk.locator("#dialog")
    dialog.get_by_label("Change of value").fill("2,500")
    dialog.get_by_label("Reason").fill("One more site")
    dialog.get_by_role("button", name="Record").click()
    table = desk.get_by_role("table", name="What this changes")
    expect(table).to_contain_text("£122,500.00")
    expect(table).to_contain_text("“Contracts”")
    shot(desk, "change-order")
    assert serious(desk, "#dialog") == []
    dialog.get_by_role("button", name="Record").click()
    expect(desk.get_by_text("Change order 1 waits for approval.")).to_be_visible(
        timeout=SLOW
    )

    other_desk.goto(f"{live_server.url}/admin/engagements/approval/")
    other_desk.get_by_role("link", name="Approve: Service desk").click()
    other_desk.locator("#dialog").get_by_role("button", name="Approve").click()
    expect(other_desk.get_by_text("Approved.", exact=True)).to_be_visible(timeout=SLOW)

    assert contract.change_orders.in_force().count() == 1
    assert complaints == []


def send(page: Page) -> None:
    take_step(page, "send-for-approval")
    page.locator("#dialog").get_by_role("button", name="Send").click()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")
