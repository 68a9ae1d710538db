"""A manager's first day: log one engagement of each kind, and see both everywhere."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from engagements.choices import Role
from engagements.models import User
from tests.factories import make_cost_centre, make_department, make_user, make_vendor
from tracker.api.services import create_api_key

pytestmark = [pytest.mark.browser, pytest.mark.each_database]

PASSWORD = "correct-horse-battery"


@pytest.fixture
def manager(transactional_db: None) -> User:
    department = make_department(name="Platform")
    make_cost_centre(code="4100", name="Platform run", department=department)
    make_vendor(legal_name="Arvendale Support Ltd")
    return make_user(
        Role.MANAGER, username="helena", password=PASSWORD, department=department
    )


@pytest.fixture
def site(page: Page, live_server: Any, manager: User) -> str:
    address: str = live_server.url
    page.goto(f"{address}/admin/login/")
    page.fill("input[name=username]", manager.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{address}/my/")
    return address


def choose(page: Page, field: str, text: str) -> None:
    """Type into an autocomplete field and take the one that it finds."""
    page.click(f"#id_{field} + .select2 .select2-selection")
    page.fill(".select2-search__field", text)
    page.click(f".select2-results__option:has-text('{text}')")


def log_managed_contract(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/")
    page.click("text=Add managed-service contract")
    page.fill("#id_title", "Workplace support desk")
    choose(page, "vendor", "Arvendale")
    page.fill("#id_monthly_fee", "12500")
    page.fill("#id_service_levels-0-name", "First response")
    page.select_option("#id_service_levels-0-metric", "response")
    page.fill("#id_service_levels-0-target", "30")
    page.click("button[name=_save]")
    page.wait_for_selector("text=was added successfully")


def log_contractor(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/")
    page.click("text=Add augmented contractor")
    page.fill("#id_title", "Payments engineer")
    choose(page, "vendor", "Arvendale")
    page.fill("#id_new_contractor_name", "Noor Haddad")
    page.fill("#id_rate", "640")
    page.click("button[name=_save]")
    page.wait_for_selector("text=was added successfully")


def test_both_kinds_are_logged_and_seen_in_list_finance_page_and_api(
    page: Page, site: str, manager: User
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    log_managed_contract(page, site)
    log_contractor(page, site)

    page.goto(f"{site}/admin/engagements/engagement/")
    in_list = page.inner_text("#result_list, table")
    page.goto(site)
    on_finance_page = page.inner_text("main")
    _key, secret = create_api_key(
        name="First day",
        scopes=["engagements:read"],
        owner=manager,
        actor=manager,
    )
    answer = page.request.get(
        f"{site}/api/v1/engagements", headers={"Authorization": f"Bearer {secret}"}
    )
    titles = {row["title"] for row in json.loads(answer.body())["results"]}

    for seen in (in_list, on_finance_page):
        assert "Workplace support desk" in seen
        assert "Payments engineer" in seen
    assert titles == {"Workplace support desk", "Payments engineer"}
    assert errors == []
