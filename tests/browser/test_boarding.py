"""From notice to the end: nobody leaves with access, nothing stays unpaid."""

import os
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import ChargeKind, Role, Status
from engagements.models import AccessGrant, Engagement
from engagements.services.lifecycle import start_engagement
from engagements.values.periods import add_months, month_of
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.factories import make_assignment, make_grant, make_template
from tests.spend.billing import bill
from tracker.spend.models import InvoiceStatus, Settlement, WorkLog
from tracker.spend.services import log_work

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")


def test_notice_off_boarding_and_end(
    desk: Page, live_server, manager, complaints
) -> None:
    # Who runs a small company alone is manager and finance in one.
    manager.groups.add(Group.objects.get(name=Role.FINANCE.value))
    make_template(title="Access removed", removes_access=True)
    make_template(title="Laptop returned")
    today = timezone.localdate()
    last_month = add_months(month_of(today), -1)
    assignment = make_assignment(
        manager=manager,
        department=manager.department,
        starts_on=last_month,
        ends_on=today,
    )
    start_engagement(engagement=assignment, actor=manager)
    make_grant(assignment, system="Data warehouse", actor=manager)
    bill(
        assignment,
        last_month,
        kind=ChargeKind.ONE_OFF,
        number="N-100",
        status=InvoiceStatus.APPROVED,
    )
    work_on(assignment, last_month)
    address = f"{live_server.url}/admin/engagements/assignment/{assignment.pk}/change/"
    desk.goto(address)

    take_step(desk, "give-notice")
    desk.get_by_role("button", name="Give notice").click()
    expect(desk.get_by_text("0 of 2 done")).to_be_visible()
    shot(desk, "off-boarding")
    assert serious(desk, "#boarding") == []

    end(desk, today)
    expect(desk.get_by_text("can't be closed yet")).to_be_visible()
    shot(desk, "refused")

    desk.get_by_role("button", name="Done: Laptop returned").click()
    expect(desk.get_by_text("1 of 2 done")).to_be_visible()
    desk.get_by_role("button", name="Done: Access removed").click()
    expect(desk.get_by_text("remove it first")).to_be_visible()
    desk.get_by_role("button", name="Remove access of").click()
    shot(desk, "remove")
    desk.get_by_role("button", name="Access is removed").click()
    expect(desk.get_by_text("2 of 2 done")).to_be_visible()

    obstacles = desk.get_by_role("region", name="What keeps it open")
    obstacles.locator("li", has_text="N-100").get_by_role("link").click()
    desk.get_by_role("link", name="Paid…").click()
    desk.get_by_role("button", name="Record the payment").click()
    expect(desk.get_by_text("The payment is recorded.")).to_be_visible()
    desk.goto(address)
    obstacles.get_by_role("link", name="Confirm that none will come").click()
    desk.get_by_label("Reason").fill("Worked as a favour")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("no further invoice will come")).to_be_visible()

    take_step(desk, "end")
    expect(desk.get_by_text("Nothing keeps it open")).to_be_visible()
    desk.get_by_role("button", name="End", exact=True).click()
    expect(desk.get_by_text("Ended.", exact=True)).to_be_visible()

    assert Engagement.objects.get(pk=assignment.pk).status == Status.ENDED
    grant = AccessGrant.objects.get()
    assert (grant.removed_on, grant.removed_by) == (today, manager)
    assert Settlement.objects.get().settled_by == manager
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lists_of_tasks_and_access_can_be_read_by_everybody(
    desk: Page, live_server, manager, theme
) -> None:
    make_template(title="Laptop returned", due_days=-10)
    assignment = make_assignment(manager=manager, department=manager.department)
    start_engagement(engagement=assignment, actor=manager)
    make_grant(assignment, system="Data warehouse", actor=manager)
    desk.emulate_media(color_scheme=theme)
    pages = {
        "checklisttask": "#content",
        "accessgrant": "#content",
        f"assignment/{assignment.pk}/change": "#boarding",
    }
    for path, part in pages.items():
        desk.goto(f"{live_server.url}/admin/engagements/{path}/")
        desk.wait_for_load_state("networkidle")
        assert (path, serious(desk, part)) == (path, [])


def work_on(assignment, day: date) -> None:
    log_work(
        line=WorkLog(
            engagement=assignment,
            contractor=assignment.contractor,
            worked_on=day,
            hours=Decimal(4),
        ),
        actor=None,
    )


def end(page: Page, day: date) -> None:
    take_step(page, "end")
    open_access = page.locator("#dialog").get_by_text("still has access to Data")
    expect(open_access.first).to_be_visible()
    assert serious(page, "#dialog") == []
    page.get_by_label("Last day").fill(day.isoformat())
    page.get_by_role("button", name="End", exact=True).click()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")
