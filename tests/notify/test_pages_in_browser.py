"""The pages of alerts and of preferences, and their mail, as people see them."""

import os
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect

from engagements.choices import Role
from tests.browser.accessible import serious
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.factories import make_user
from tests.notify.test_alerts import (
    ask_approval,
    make_approver,
    make_engagement,
    record,
)
from tracker.notify.models import NotificationPreference
from tracker.notify.services import send_alert_mails, tell_events

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")
CANARY = "<img src=x onerror=document.title='owned'><script>window.owned=1</script>"
LONG_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 3
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)
DARK = "on => document.documentElement.classList.toggle('dark', on)"
WIDTH = "document.documentElement.scrollWidth"


def checked(page: Page, name: str) -> None:
    """Look at the page as it stands, wide and narrow, by day and by night."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # The admin keeps a choice of its own, where mails follow the system.
        page.evaluate(DARK, scheme == "dark")
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            # Until the colours have faded over.
            page.wait_for_timeout(400)
            if SHOTS:
                path = f"{SHOTS}/{name}-{scheme}-{size['width']}.png"
                page.screenshot(path=path, full_page=True)
            assert page.evaluate(WIDTH) == size["width"]
            assert serious(page) == []
    page.emulate_media(color_scheme="light")
    page.evaluate(DARK, False)
    page.set_viewport_size(DESK)


def test_alerts_are_read_one_by_one_and_all(desk, live_server, manager, complaints):
    admin = make_user(Role.ADMINISTRATOR)
    manager.groups.add(make_approver("approver").groups.get(name="Approvers"))
    # All run before there is a rule that asks for an approval.
    titles = ("Service desk", CANARY, LONG_NAME)
    for engagement in [make_engagement(manager, title=title) for title in titles]:
        record("engagement.term_rolled", engagement)
        ask_approval(engagement, admin)
    tell_events()

    desk.goto(f"{live_server.url}/admin/")
    desk.get_by_role("link", name="Alerts: 6 unread").click()
    expect(desk.get_by_text("Approval waiting: Service desk")).to_be_visible()
    checked(desk, "alerts")
    assert desk.evaluate("window.owned") is None

    desk.get_by_role("button", name="Mark as read: Approval waiting").first.click()
    expect(desk.get_by_role("link", name="Alerts: 5 unread")).to_be_visible()
    desk.get_by_role("button", name="Mark all as read").click()
    expect(desk.get_by_role("heading", name="Nothing unread")).to_be_visible()
    expect(desk.get_by_role("link", name="Alerts: none unread")).to_be_visible()
    checked(desk, "no-alerts")

    desk.get_by_role("link", name="Show what you have read").click()
    desk.get_by_role("button", name="Approval waiting: Service desk").click()
    desk.wait_for_url("**/admin/engagements/**")
    assert complaints == []


def test_preferences_are_chosen_with_the_keyboard(
    desk, live_server, manager, complaints
):
    desk.goto(f"{live_server.url}/admin/tracker/alert/own/preferences/")
    checked(desk, "notifications")

    desk.get_by_label("How often").select_option("weekly")
    desk.get_by_label("On", exact=True).select_option("4")
    box = desk.get_by_label("Tenure limits")
    box.focus()
    desk.keyboard.press("Space")
    desk.get_by_role("button", name="Save").press("Enter")
    expect(desk.get_by_text("Saved.")).to_be_visible()

    row = NotificationPreference.objects.get(user=manager)
    assert (row.frequency, row.digest_weekday) == ("weekly", 4)
    assert row.kinds_left_out == ["tenure"]
    assert complaints == []


def test_user_menu_leads_to_the_preferences(desk):
    desk.get_by_text("Maya Osei").first.click()
    desk.get_by_role("link", name="Notifications", exact=True).click()

    desk.wait_for_url("**/own/preferences/")


def test_mail_of_an_alert_is_whole_by_day_and_night(page, db, settings):
    settings.PUBLIC_URL = "https://tracker.example.org"
    approver = make_approver()
    asker = make_user(Role.MANAGER)
    today = timezone.localdate()
    term = {"starts_on": today, "ends_on": today + timedelta(days=400)}
    titles = ("Service desk", CANARY, LONG_NAME)
    for engagement in [make_engagement(approver, title=t, **term) for t in titles]:
        ask_approval(engagement, asker)
    tell_events()
    send_alert_mails()

    assert len(mail.outbox) == 3
    for number, message in enumerate(mail.outbox):
        page.set_content(message.alternatives[0].content)
        assert page.evaluate("window.owned") is None
        checked(page, f"mail-{number}")
