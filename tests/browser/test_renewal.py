"""A manager gives notice in a browser, and sees what it changes before doing so."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import Renewal
from engagements.models import Engagement
from engagements.services.lifecycle import start_engagement
from engagements.values.periods import add_months
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.factories import make_contract

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")


def test_notice_is_given_once_its_effect_was_shown(
    desk: Page, live_server, manager, complaints
):
    today = timezone.localdate()
    contract = make_contract(
        manager=manager,
        department=manager.department,
        starts_on=add_months(today, -6),
        initial_term_months=12,
        renewal_term_months=12,
        renewal=Renewal.AUTO,
        notice_period=90,
    )
    start_engagement(engagement=contract, actor=manager)
    desk.goto(f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/")

    take_step(desk, "give-notice")
    table = desk.get_by_role("table", name="What this changes")
    expect(table).to_be_visible()
    shot(desk, "notice")
    assert serious(desk, "#dialog") == []

    desk.get_by_label("Given on").fill((today + timedelta(days=1)).isoformat())
    desk.get_by_role("button", name="Give notice").click()
    expect(desk.get_by_text("Notice is recorded once it is given")).to_be_visible()
    shot(desk, "refused")

    yesterday = (today - timedelta(days=1)).isoformat()
    desk.get_by_label("Given on").fill(yesterday)
    desk.get_by_role("button", name="Give notice").click()
    expect(desk.get_by_text("Press again to confirm")).to_be_visible()
    shot(desk, "again")
    desk.get_by_role("button", name="Give notice").click()
    expect(desk.get_by_text("Notice given: it ends on")).to_be_visible()
    shot(desk, "given")

    found = Engagement.objects.get(pk=contract.pk)
    assert found.notice_given_on == today - timedelta(days=1)
    assert complaints == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")
