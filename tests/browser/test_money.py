"""Finance at its browser: from an exception to the saving, and a year's budgets."""

import os
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import Role
from engagements.models import User
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import PASSWORD, complaints
from tests.factories import begun, make_contract, make_cost_centre, make_user
from tests.spend.billing import make_invoice, make_line
from tests.spend.bills import bill_lines, fee
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import Budget, BudgetMonth, Saving, SavingStatus
from tracker.spend.services import draft_invoice, match_received, set_budget

__all__ = ["complaints"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")
SIZES = {1440: 900, 390: 844}
IS_SCROLLED = (
    "[document.documentElement, ...document.querySelectorAll('.formset-wrapper,"
    " .simplebar-content-wrapper')].some(e => e.scrollWidth > e.clientWidth + 1)"
)


@pytest.fixture
def fay(transactional_db) -> User:
    return make_user(Role.FINANCE, username="fay", password=PASSWORD)


@pytest.fixture
def desk(page: Page, live_server, fay) -> Page:
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "fay")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def look(page: Page, name: str) -> None:
    """Find the page without fault in both sizes, light and dark."""
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(
            "document.documentElement.scrollWidth <= window.innerWidth"
        ), (name, width)
        if SHOTS:
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(
                    path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=True
                )
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})
    assert serious(page) == [], name


def test_what_was_billed_too_much_becomes_a_saving(desk: Page, live_server, complaints):
    contract = begun(make_contract(title="Service desk"))
    bill_lines(fee(contract, "10123.45"), number="INV-7")
    match_received()

    desk.goto(f"{live_server.url}/admin/tracker/matchexception/")
    expect(desk.locator("#result_list")).to_contain_text("£123.45")
    desk.get_by_role("link", name="Fee mismatch").first.click()
    expect(desk.locator(".match-sides")).to_contain_text("£10,000.00")
    look(desk, "exception")
    take_step(desk, "resolve")
    dialog = desk.locator("#dialog")
    dialog.get_by_label("How").select_option("credit_note_requested")
    dialog.get_by_label("Why").fill("The vendor sends a credit note")
    dialog.get_by_role("button", name="Resolve").click()
    expect(desk.get_by_text("The exception is resolved.")).to_be_visible()
    desk.get_by_role("link", name="Saving claimed by it").click()

    expect(desk.locator("#content")).to_contain_text("123.45")
    saving = Saving.objects.get()
    assert (saving.status, saving.claimed_amount) == (
        SavingStatus.CLAIMED,
        Decimal("123.45"),
    )
    assert complaints == []


def test_the_lines_of_a_draft_are_filled_in_without_scrolling_sideways(
    desk: Page, live_server, complaints
):
    contract = begun(make_contract(title="Service desk for all of the north"))
    lines = [make_line(contract, amount) for amount in ("100", "2000")]
    invoice = draft_invoice(invoice=make_invoice(*lines), lines=lines, actor=None)

    desk.set_viewport_size({"width": 1440, "height": 900})
    desk.goto(f"{live_server.url}/admin/tracker/invoice/{invoice.pk}/change/")
    expect(desk.locator("#id_lines-0-amount")).to_be_visible()

    look(desk, "invoice-draft")
    assert not desk.evaluate(IS_SCROLLED)
    desk.set_viewport_size({"width": 390, "height": 844})
    assert not desk.evaluate(IS_SCROLLED)
    assert complaints == []


def test_a_year_s_budgets_are_typed_and_shown(desk: Page, live_server, complaints):
    centre = make_cost_centre(code="IT", name="Technology")
    year = fiscal_year_of(timezone.localdate())
    set_budget(
        budget=Budget(cost_centre=centre, year=year),
        amounts={month: Decimal(1_000) for month in fiscal_months(year)},
        actor=None,
    )

    desk.goto(f"{live_server.url}/admin/tracker/budget/grid/")
    first = desk.get_by_role("row", name="Technology").locator("input[type=text]").first
    first.fill("2,500")
    look(desk, "budget-grid")
    desk.get_by_role("button", name="Save").first.click()
    expect(desk.locator(".messagelist, [role=status], #main")).to_contain_text("saved")
    desk.goto(f"{live_server.url}/spend/budgets/")

    expect(desk.locator("main")).to_contain_text("13,500")
    look(desk, "budgets")
    stored = BudgetMonth.objects.order_by("month").values_list("amount", flat=True)
    assert stored[0] == Decimal(2_500)
    assert complaints == []
