"""A manager at work in a browser: logs a vendor and both kinds of engagement."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from engagements.choices import Role, Status
from engagements.models import Assignment, Department, ManagedContract, Vendor
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.factories import make_assignment, make_contract, make_cost_centre, make_user

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"


@pytest.fixture
def manager(transactional_db):
    department = Department.objects.create(code="OPS", name="Operations")
    make_cost_centre(code="4100", name="Run", department=department)
    return make_user(
        Role.MANAGER,
        username="maya",
        password=PASSWORD,
        first_name="Maya",
        last_name="Osei",
        department=department,
    )


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console says of the pages visited, of refusals and errors."""
    found: list[str] = []
    page.on(
        "console",
        lambda message: found.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def desk(page: Page, live_server, manager) -> Page:
    """The manager's browser, logged in."""
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "maya")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def choose(page: Page, field: str, text: str) -> None:
    """Type into a field that completes and take what it finds."""
    page.locator(f".field-{field} .select2-selection").first.click()
    page.locator(".select2-search__field").last.fill(text)
    page.locator(".select2-results__option", has_text=text).first.click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_vendor_and_both_kinds_are_logged_each_on_one_page(
    desk, live_server, complaints
):
    desk.get_by_role("link", name="Add vendor").click()
    desk.fill("#id_legal_name", "Tarnwell Systems Ltd")
    desk.fill("#id_contacts-0-name", "Jo Tarn")
    save(desk)
    expect(desk.locator("#result_list")).to_contain_text("Tarnwell Systems Ltd")

    desk.goto(f"{live_server.url}/admin/engagements/engagement/")
    desk.get_by_role("link", name="Add managed-service contract").click()
    desk.fill("#id_title", "Network operations")
    choose(desk, "vendor", "Tarnwell")
    desk.fill("#id_monthly_fee", "12,500")
    desk.fill("#id_service_levels-0-name", "Availability")
    desk.fill("#id_service_levels-0-target", "99.9")
    save(desk)
    expect(desk.locator("#result_list")).to_contain_text("£12,500.00")

    desk.goto(f"{live_server.url}/admin/engagements/engagement/")
    desk.get_by_role("link", name="Add augmented contractor").click()
    desk.fill("#id_title", "Data engineer")
    choose(desk, "vendor", "Tarnwell")
    desk.fill("#id_new_contractor_name", "Aisha Novak")
    desk.fill("#id_rate", "640")
    save(desk)
    expect(desk.locator("#result_list")).to_contain_text("Aisha Novak")

    contract, assignment = ManagedContract.objects.get(), Assignment.objects.get()
    assert Vendor.objects.get().contacts.get().name == "Jo Tarn"
    assert contract.fee_terms.get().monthly_fee == Decimal(12_500)
    assert contract.service_levels.get().target == Decimal("99.9")
    assert contract.cost_splits.get().shares.get().cost_centre.code == "4100"
    assert assignment.rate_terms.get().rate == Decimal(640)
    assert assignment.manager.username == "maya"
    assert complaints == []


def test_lines_are_added_to_a_page_by_hand(desk, live_server, manager, complaints):
    contract = make_contract(manager=manager)
    desk.goto(
        f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/change/"
    )

    desk.get_by_text(re.compile("Add another Fee", re.I)).click()
    desk.fill("#id_fee_terms-1-starts_on", "2027-01-01")
    desk.fill("#id_fee_terms-1-monthly_fee", "11000")
    save(desk)

    expect(desk.locator("#result_list")).to_contain_text("Service desk")
    assert contract.fee_terms.count() == 2
    assert complaints == []


def test_engagement_is_started_and_ended_in_dialogs(
    desk, live_server, manager, complaints
):
    assignment = make_assignment(manager=manager)
    page = f"{live_server.url}/admin/engagements/assignment/{assignment.pk}/change/"

    desk.goto(page)
    take_step(desk, "start")
    desk.get_by_role("button", name="Start").click()
    expect(desk.get_by_text("Started.", exact=True)).to_be_visible()
    take_step(desk, "end")
    desk.fill("#id_ended_on", "2026-06-30")
    desk.get_by_role("button", name="End", exact=True).click()
    expect(desk.get_by_text("Ended.", exact=True)).to_be_visible()

    assignment.refresh_from_db()
    assert assignment.status == Status.ENDED
    assert complaints == []


def test_text_of_others_is_never_run(desk, live_server, manager, complaints):
    hostile = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>\'"}}'
    contract = make_contract(title=hostile, scope=hostile, manager=manager)
    pages = [
        "",
        "engagements/engagement/",
        f"engagements/managedcontract/{contract.pk}/change/",
        f"engagements/managedcontract/{contract.pk}/history/",
        "tracker/worklog/add/",
    ]

    for path in pages:
        desk.goto(f"{live_server.url}/admin/{path}")
        assert desk.evaluate("window.ran") is None
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "engagements/engagement/"])
def test_pages_can_be_read_by_everybody(desk, live_server, manager, theme, path):
    make_contract(manager=manager, status=Status.ACTIVE)
    desk.emulate_media(color_scheme=theme)
    desk.goto(f"{live_server.url}/admin/{path}")

    assert serious(desk) == []
