"""The policy that the browser is told, in a browser: nothing of ours is refused."""

import pytest
from django.conf import settings

from engagements.models import User

PASSWORD = "correct-horse-battery"


@pytest.fixture
def complaints(page):
    """What the browser's console says of the pages visited, of refusals and errors."""
    found = []
    page.on(
        "console",
        lambda message: found.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def requested(page):
    """The hosts that pages ask for anything."""
    hosts = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    return hosts


@pytest.mark.browser
def test_admin_runs_under_its_policy_and_asks_no_other_host(
    page, live_server, complaints, requested
):
    User.objects.create_superuser("mara", password=PASSWORD)

    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "mara")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    for path in (
        "/admin/password_change/",
        "/admin/engagements/vendor/",
        "/admin/engagements/managedcontract/add/",
    ):
        page.goto(f"{live_server.url}{path}")
        assert page.locator("#content").count() == 1

    assert complaints == []
    assert requested == {live_server.url.removeprefix("http://")}


@pytest.mark.browser
def test_finance_page_runs_under_the_strict_policy(
    client, page, live_server, complaints, requested
):
    user = User.objects.create_superuser("mara", password=PASSWORD)
    client.force_login(user)
    page.context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": live_server.url,
            }
        ]
    )

    answer = page.goto(live_server.url)

    assert answer.status == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert complaints == []
    assert requested == {live_server.url.removeprefix("http://")}
