"""The page of the calendar and the mail of reminders, as people see them."""

from datetime import date

import pytest
from django.core import mail
from playwright.sync_api import expect

from engagements.choices import Role
from tests.browser.accessible import findings
from tests.factories import make_user, make_vendor
from tests.notify.agreements import make_running
from tracker.notify.services import send_reminders

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
CANARY = "<img src=x onerror=document.title='owned'><script>window.owned=1</script>"
PHONE = {"width": 360, "height": 700}
WIDTH = "document.documentElement.scrollWidth"


def test_address_is_made_and_renewed_on_a_phone(page, live_server):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    make_user(Role.MANAGER, username="mara", password=PASSWORD)
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/calendar/")
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/calendar/")

    page.click("text=Make my address")
    first = page.inner_text("code")
    complaints.clear()
    page.click("text=Renew the address")
    expect(page.locator("code")).not_to_have_text(first)

    assert page.inner_text("code").startswith(f"{live_server.url}/calendar/")
    assert page.evaluate(WIDTH) == PHONE["width"]
    assert findings(page) == []
    assert complaints == []


def test_mail_is_whole_on_a_phone_and_runs_nothing_that_people_typed(page, db):
    long_name = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 3
    vendor = make_vendor(legal_name=long_name)
    for title in (CANARY, long_name):
        make_running(
            manager=make_user(Role.MANAGER, email="owner@example.org"),
            vendor=vendor,
            notice_by=date(2026, 11, 30),
            ends_on=date(2027, 11, 30),
            title=title,
        )
    send_reminders(today=date(2026, 11, 22))

    page.set_viewport_size(PHONE)
    for message in mail.outbox:
        page.set_content(message.alternatives[0].content)

        assert page.evaluate("window.owned") is None
        assert page.title() == message.subject
        assert page.evaluate(WIDTH) == PHONE["width"]
        assert findings(page) == []
    assert len(mail.outbox) == 2
