"""A manager fills in a timesheet by keyboard and submits it; a finger does as well."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.accessible import serious
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.spend.sheets import begin, make_running
from tracker.spend.models import Timesheet, TimesheetStatus
from tracker.spend.timesheet_periods import week_of

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser


@pytest.fixture
def sheet(manager) -> Timesheet:
    last_week = week_of(timezone.localdate() - timedelta(days=7))
    assignment = make_running(
        manager=manager,
        department=manager.department,
        starts_on=last_week.first - timedelta(days=30),
    )
    return begin(assignment, last_week.first, actor=manager)


def page_of(live_server, sheet: Timesheet) -> str:
    return f"{live_server.url}/admin/tracker/timesheet/{sheet.pk}/change/"


def test_a_week_is_entered_by_keyboard_and_submitted(
    desk: Page, live_server, sheet, complaints
):
    desk.goto(page_of(live_server, sheet))
    desk.locator("input[data-day]").first.focus()
    desk.keyboard.type("7:30")
    desk.keyboard.press("ArrowRight")
    desk.keyboard.type("8")
    desk.get_by_role("button", name="Add a row").click()
    second = desk.locator("tbody tr").nth(1)
    second.get_by_label("Activity").select_option("support")
    second.locator("input[data-day]").first.focus()
    desk.keyboard.type("1,5")
    desk.keyboard.press("Enter")

    expect(desk.locator("[data-sum=all]")).to_have_text("17")
    assert serious(desk) == []
    desk.get_by_role("button", name="Save and continue editing").click()
    expect(desk.locator("[data-sum=all]")).to_have_text("17")
    desk.get_by_role("link", name="Submit…").click()
    desk.locator("#dialog").get_by_role("button", name="Submit").click()

    expect(desk.get_by_text("somebody else approves it now")).to_be_visible()
    assert serious(desk) == []
    sheet.refresh_from_db()
    assert sheet.status == TimesheetStatus.SUBMITTED
    lines = sheet.lines.order_by("worked_on", "activity")
    assert [(line.activity, line.hours) for line in lines] == [
        ("delivery", Decimal("7.5")),
        ("support", Decimal("1.5")),
        ("delivery", Decimal(8)),
    ]
    assert complaints == []


def test_a_week_fits_a_phone(desk: Page, live_server, sheet):
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.goto(page_of(live_server, sheet))

    width = desk.evaluate("document.documentElement.scrollWidth")
    heights = desk.locator("input[data-day]").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect().height)"
    )
    assert width <= 390
    assert min(heights) >= 44
    assert serious(desk) == []
