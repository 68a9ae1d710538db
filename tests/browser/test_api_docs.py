"""The API's page in a browser, under our policy: drawn whole, from our host alone."""

import pytest
from playwright.sync_api import expect

from engagements.choices import Role
from tests.browser.accessible import serious
from tests.factories import make_contract, make_user

PASSWORD = "correct-horse-battery"


@pytest.mark.browser
def test_api_docs_run_under_the_policy_and_read_with_the_session(page, live_server):
    make_contract(title="Service desk")
    make_user(Role.AUDITOR, username="ana", password=PASSWORD)
    complaints, hosts = [], set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))

    page.goto(f"{live_server.url}/admin/login/?next=/api/docs")
    page.fill("#id_username", "ana")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/api/docs")
    complaints.clear()
    page.get_by_text("List engagements.", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    answer = page.locator(".live-responses-table")
    expect(answer.locator("tr.response td.response-col_status")).to_have_text("200")
    expect(answer).to_contain_text("Service desk")
    assert complaints == []
    assert hosts == {live_server.url.removeprefix("http://")}


@pytest.mark.browser
def test_guides_are_drawn_beside_the_description(page, live_server):
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{live_server.url}/api/docs")

    page.get_by_role("link", name="Pull contingent workers into Workday").click()

    title = page.get_by_role("heading", name="Pull contingent workers", exact=False)
    expect(title).to_be_visible()
    expect(page.get_by_role("cell", name="Legal Name")).to_be_visible()
    expect(page.get_by_text("No operations defined")).to_have_count(0)
    assert serious(page) == []
    page.get_by_role("link", name="The API", exact=True).first.click()
    expect(page.get_by_role("heading", name="A key", exact=True)).to_be_visible()
    assert complaints == []
