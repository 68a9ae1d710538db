"""An engagement of each kind from the first entry to its close, by two people."""

import os
import re
from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import ChargeKind, Kind, Role, Status
from engagements.models import Approval, Engagement, Event, NamedWorker, User
from engagements.values.periods import add_months, month_of
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import choose, complaints, desk, manager, save
from tests.browser.test_approvals import SLOW, checker, other_desk
from tests.factories import make_grant, make_template, make_vendor
from tests.spend.billing import bill
from tracker.spend.models import InvoiceStatus

__all__ = ["checker", "complaints", "desk", "manager", "other_desk"]

pytestmark = [pytest.mark.browser, pytest.mark.each_database]

SHOTS = os.environ.get("SHOTS")


@pytest.mark.parametrize("kind", ["managedcontract", "assignment"])
def test_whole_life(
    desk: Page, other_desk: Page, live_server, manager, checker, complaints, kind
):
    # Who approves also pays: another person than who asks, in either case.
    checker.groups.add(Group.objects.get(name=Role.FINANCE.value))
    make_vendor(legal_name="Tarnwell Systems Ltd")
    make_template(title="Access removed", removes_access=True)
    today = timezone.localdate()
    start = add_months(month_of(today), -1)
    admin = f"{live_server.url}/admin/engagements"

    engagement = log(desk, f"{admin}/{kind}/add/", kind, start, today)
    page = f"{admin}/{kind}/{engagement.pk}/change/"

    desk.goto(page)
    take(desk, "send-for-approval", "Send", "Sent for approval.")
    assert desk.request.get(page.replace("change", "approve")).status == 403
    other_desk.goto(page)
    take(other_desk, "approve", "Approve", "Approved.")

    give_access(engagement, manager)
    desk.goto(page)
    take(desk, "give-notice", "Give notice", re.compile("Notice given: it ends on"))
    shot(desk, f"{kind}-off-boarding")

    invoice = f"N-{engagement.pk}"
    charge = ChargeKind.RECURRING if kind == "managedcontract" else ChargeKind.TIME
    approved = InvoiceStatus.APPROVED
    bill(engagement, start, today, kind=charge, number=invoice, status=approved)
    desk.goto(page)
    close(desk, today)
    expect(desk.get_by_text("can't be closed yet")).to_be_visible(timeout=SLOW)
    assert Engagement.objects.get(pk=engagement.pk).status == Status.ACTIVE

    desk.get_by_role("button", name="Remove access of").click()
    desk.get_by_role("button", name="Access is removed").click()
    expect(desk.get_by_text("1 of 1 done")).to_be_visible(timeout=SLOW)
    pay(other_desk, page, invoice)
    desk.goto(page)
    close(desk, today)
    expect(desk.get_by_text("Ended.", exact=True)).to_be_visible(timeout=SLOW)
    shot(desk, f"{kind}-ended")

    found = Engagement.objects.get(pk=engagement.pk)
    assert (found.status, found.ends_on) == (Status.ENDED, today)
    approval = Approval.objects.get()
    assert (approval.asked_by, approval.decided_by) == (manager, checker)
    steps = Event.objects.filter(
        engagement_id=engagement.pk, event_type__startswith="engagement."
    ).values_list("event_type", flat=True)
    assert [
        step
        for step in reversed(steps)
        if step.partition(".")[2]
        in ("logged", "submitted", "started", "notice_given", "ended")
    ] == [
        "engagement.logged",
        "engagement.submitted",
        "engagement.started",
        "engagement.notice_given",
        "engagement.ended",
    ]
    assert complaints == []


def log(page: Page, address: str, kind: str, start: date, end: date) -> Engagement:
    page.goto(address)
    page.fill("#id_title", "Network operations")
    choose(page, "vendor", "Tarnwell")
    page.fill("#id_starts_on", start.isoformat())
    page.fill("#id_ends_on", end.isoformat())
    if kind == "managedcontract":
        page.fill("#id_monthly_fee", "12,500")
    else:
        page.fill("#id_new_contractor_name", "Noor Haddad")
        page.fill("#id_rate", "640")
    save(page)
    expect(page.locator("#result_list")).to_contain_text("Network operations")
    return Engagement.objects.get()


def give_access(engagement: Engagement, actor: User) -> None:
    if engagement.kind == Kind.AUGMENTED:
        make_grant(engagement, actor=actor)
        return
    worker = NamedWorker.objects.create(
        contract_id=engagement.pk,
        full_name="Noor Haddad",
        starts_on=engagement.starts_on,
    )
    make_grant(engagement, named_worker=worker, actor=actor)


def pay(page: Page, engagement_page: str, invoice: str) -> None:
    page.goto(engagement_page)
    obstacles = page.get_by_role("region", name="What keeps it open")
    obstacles.locator("li", has_text=invoice).get_by_role("link").click()
    page.get_by_role("link", name="Paid…").click()
    page.get_by_role("button", name="Record the payment").click()
    expect(page.get_by_text("The payment is recorded.")).to_be_visible(timeout=SLOW)


def close(page: Page, day: date) -> None:
    open_step(page, "end")
    page.get_by_label("Last day").fill(day.isoformat())
    page.locator("#dialog").get_by_role("button", name="End", exact=True).click()


def take(page: Page, step: str, button: str, told: str | re.Pattern[str]) -> None:
    open_step(page, step)
    page.locator("#dialog").get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text(told).first).to_be_visible(timeout=SLOW)


def open_step(page: Page, step: str) -> None:
    take_step(page, step)
    expect(page.locator("#dialog").get_by_role("button").first).to_be_visible()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
