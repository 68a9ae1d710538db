"""Every page that the product shapes, read by axe: by day and by night."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import Renewal, Role
from engagements.models import Contractor, Engagement
from engagements.services.lifecycle import start_engagement, submit_engagement
from tests.browser.accessible import serious
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.factories import (
    make_assignment,
    make_contract,
    make_grant,
    make_rule,
    make_template,
    make_user,
)

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

# What the night may change; all else is the same page.
OPTIONS: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {
        "resultTypes": ["violations"],
        "runOnly": {"type": "rule", "values": ["color-contrast"]},
    },
}
NIGHT = "on => document.documentElement.classList.toggle('dark', on)"
ADMIN = (
    "",
    "engagements/engagement/",
    "engagements/managedcontract/",
    "engagements/assignment/",
    "engagements/managedcontract/add/",
    "engagements/assignment/add/",
    "engagements/vendor/",
    "engagements/vendor/add/",
    "engagements/contractor/",
    "engagements/contractor/add/",
    "engagements/document/",
    "engagements/document/add/",
    "engagements/approval/",
    "engagements/approval/?whose=all",
    "engagements/checklisttask/",
    "engagements/checklisttask/?whose=all",
    "engagements/accessgrant/",
    "engagements/tenurepolicy/",
    "engagements/tenurepolicy/add/",
    "engagements/approvalrule/",
    "engagements/approvalrule/add/",
    "engagements/checklisttemplate/",
    "engagements/checklisttemplate/add/",
    "engagements/event/",
    "tracker/advice/",
    "tracker/advice/add/",
    "tracker/flag/",
    "tracker/assessment/",
    "tracker/policy/",
    "tracker/policy/add/",
    "tracker/importrun/",
    "tracker/importrun/add/",
    "tracker/invoice/",
    "tracker/invoice/add/",
    "tracker/worklog/",
    "tracker/settlement/add/",
    "tracker/exchangerate/",
    "tracker/alert/own/",
    "tracker/alert/own/preferences/",
)
# How people sign on: pages of superusers alone.
SIGN_ON = (
    "axes/accessattempt/",
    "mfa/authenticator/",
    "socialaccount/socialaccount/",
)


@pytest.fixture
def engagements(manager) -> list[Engagement]:
    """One of each model that is a draft, waits for approval, and runs to its end."""
    manager.groups.add(*Group.objects.all())
    make_template(title="Laptop returned", due_days=-10)
    today = timezone.localdate()
    ours = {"manager": manager, "department": manager.department}
    runs = {
        **ours,
        "starts_on": today - timedelta(days=340),
        "ends_on": today + timedelta(days=25),
        "renewal": Renewal.AUTO,
        "notice_period": 10,
        "renewal_term_months": 12,
    }
    active = [make_contract(**runs), make_assignment(**runs)]
    for one in active:
        start_engagement(engagement=one, actor=manager)
    make_grant(active[1], system="Data warehouse", actor=manager)
    drafts = [make_contract(**ours), make_assignment(**ours)]
    make_rule(manager, name="All")
    asked = make_contract(title="Identity service run", **ours)
    submit_engagement(engagement=asked, actor=make_user(Role.ADMINISTRATOR))
    return [*drafts, asked, *active]


def findings_at(desk: Page, site: str, path: str) -> Any:
    answer = desk.goto(site + path)
    assert answer is not None
    assert (path, answer.status) == (path, 200)
    return grave(desk)


def test_pages_have_no_grave_finding(
    desk, live_server, engagements, complaints, manager
):
    person = Contractor.objects.get(assignments=engagements[-1])
    pages = [
        *(f"/admin/{path}" for path in ADMIN),
        f"/admin/engagements/contractor/{person.pk}/change/",
        f"/admin/engagements/vendor/{engagements[0].vendor_id}/change/",
        "/calendar/",
        "/sign-on/second-step/",
        "/sign-on/again/",
    ]

    found = {path: findings_at(desk, live_server.url, path) for path in pages}
    manager.is_superuser = True
    manager.save()
    found |= {
        path: findings_at(desk, live_server.url, f"/admin/{path}") for path in SIGN_ON
    }

    assert told(found) == {}
    assert complaints == []


def test_pages_of_engagements_have_no_grave_finding(
    desk, live_server, engagements, complaints
):
    found = {}
    for engagement in engagements:
        page = f"{live_server.url}{address(engagement)}"
        desk.goto(f"{page}change/")
        for name in tabs(desk):
            found[engagement.title, engagement.status, name] = grave(desk)
        for part in ("timeline", "history"):
            desk.goto(f"{page}{part}/")
            found[engagement.title, part] = grave(desk)

    assert told(found) == {}
    assert complaints == []


def test_dialogs_of_engagements_have_no_grave_finding(
    desk, live_server, engagements, complaints
):
    found = {}
    for engagement in engagements:
        desk.goto(f"{live_server.url}{address(engagement)}change/")
        links = desk.locator(".steps a[hx-get], #boarding button[hx-get]")
        steps = links.evaluate_all("all => all.map(one => one.getAttribute('hx-get'))")
        for step in steps:
            open_dialog(desk, step)
            found[step] = grave(desk, context="#dialog")
            desk.keyboard.press("Escape")
            expect(desk.locator("#dialog")).to_be_hidden()

    taken = {step.rstrip("/").rpartition("/")[2] for step in found}
    assert taken >= {
        *("send-for-approval", "cancel", "approve", "reject", "withdraw"),
        *("renew", "give-notice", "extend", "change-order", "end", "terminate"),
        *("grant-access", "add-task", "start-offboarding"),
    }
    assert told(found) == {}
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1440])
def test_engagements_need_no_scrolling_sideways(
    desk, live_server, engagements, complaints, width
):
    desk.set_viewport_size({"width": width, "height": 900})
    pages = [
        "/admin/",
        "/admin/engagements/engagement/",
        *(f"{address(one)}change/" for one in engagements),
    ]

    wide = {}
    for path in pages:
        desk.goto(live_server.url + path)
        desk.wait_for_load_state("networkidle")
        wide[path] = desk.evaluate(
            "[document.documentElement, ...document.querySelectorAll('#result_list')]"
            ".map(one => one.scrollWidth - one.parentElement?.clientWidth || 0)"
            ".filter(more => more > 0)"
        )

    assert told(wide) == {}
    assert complaints == []


def address(engagement: Engagement) -> str:
    model = engagement._meta.model_name
    return f"/admin/engagements/{model}/{engagement.pk}/"


def tabs(page: Page) -> Iterator[str]:
    """Open one tab after the other."""
    links = page.locator("#tabs-items > a")
    for number in range(links.count()):
        links.nth(number).click()
        yield links.nth(number).inner_text().strip()


def open_dialog(page: Page, step: str) -> None:
    for menu in page.locator(".steps-more, details#boarding").all():
        menu.evaluate("menu => { menu.open = true }")
    page.locator(f"[hx-get='{step}']").first.click()
    expect(page.locator("#dialog")).to_be_visible()


def grave(page: Page, context: str | None = None) -> list[str]:
    """Read one page by day and by night."""
    found = []
    for theme, options in OPTIONS.items():
        page.emulate_media(color_scheme=theme)
        # The admin asks for the system's scheme once, when it loads.
        page.evaluate(NIGHT, theme == "dark")
        found += [
            f"{theme}: {each}" for each in serious(page, context, options=options)
        ]
    return found


def told(found: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
    return {name: findings for name, findings in found.items() if findings}
