"""The sync page and a leaver's departure, by an administrator in a browser."""

import pytest
from playwright.sync_api import Page, expect

from engagements.choices import Role
from engagements.models import Departure
from engagements.services.people import change_person
from tests.browser.accessible import serious
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.browser.test_every_page import NIGHT, OPTIONS
from tests.factories import make_contract, make_user
from tracker.directory.errors import PushRefusedError
from tracker.directory.models import DirectoryPerson
from tracker.directory.services import provision_person, tell_refusal

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser


def push(user_name: str, **fields: str) -> None:
    person = DirectoryPerson(user_name=user_name, **fields)
    try:
        provision_person(person=person, source="Okta", actor=None)
    except PushRefusedError as refusal:
        tell_refusal(refusal=refusal, source="Okta")


def read_by_axe(page: Page) -> list[str]:
    found = serious(page, options=OPTIONS["light"])
    page.evaluate(NIGHT, True)
    found += serious(page, options=OPTIONS["dark"])
    page.evaluate(NIGHT, False)
    return found


def test_account_is_linked_and_a_leavers_work_given_away(
    desk, live_server, manager, complaints
):
    manager.is_superuser = True
    manager.save()
    admin = f"{live_server.url}/admin"
    leaver = make_user(Role.MANAGER, username="helen", first_name="Helen")
    make_contract(manager=leaver, title="Store tills")
    push("ada@example.org", department_name="Labs")
    push("helen")

    desk.goto(f"{admin}/tracker/syncentry/")
    expect(desk.get_by_role("heading", name="2 things your identity")).to_be_visible()
    found = read_by_axe(desk)
    desk.get_by_role("link", name="Open this", exact=True).first.click()
    desk.get_by_role("link", name="Link the account…").click()
    desk.get_by_role("button", name="Link", exact=True).click()
    expect(desk.get_by_text("Linked.")).to_be_visible()
    found += read_by_axe(desk)

    leaver.refresh_from_db()
    leaver.is_active = False
    change_person(person=leaver, actor=manager)
    departure = Departure.objects.get()
    desk.goto(f"{admin}/engagements/departure/{departure.pk}/change/")
    found += read_by_axe(desk)
    desk.get_by_role("link", name="Give to somebody else…").click()
    desk.locator("#dialog select[name=successor]").select_option(label="Maya Osei")
    desk.get_by_role("button", name="Give to them").click()
    expect(desk.get_by_text("1 engagement given to Maya Osei.")).to_be_visible()

    departure.refresh_from_db()
    assert (found, complaints, departure.is_open) == ([], [], False)
