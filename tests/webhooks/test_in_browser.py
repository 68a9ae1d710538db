"""An endpoint's life as a person leads it, and its pages read by axe."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from engagements.choices import Role
from tests.browser.accessible import serious
from tests.factories import make_user, make_vendor
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import answers, receiving
from tracker.webhooks.models import WebhookDelivery, WebhookEndpoint
from tracker.webhooks.services import deliver_due, publish_events
from tracker.webhooks.signing import secret_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visitor(page: Page, live_server) -> Page:
    make_user(Role.ADMINISTRATOR, username="ada", password="a long enough password")
    page.goto(f"{live_server.url}/admin/login/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def test_endpoint_is_made_tested_and_its_messages_are_sent_once_more(
    visitor: Page, live_server, settings
):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with receiving(answers(500, "out of order")) as receiver:
        owner = make_user(Role.HR_INTEGRATION, username="hr")
        endpoint = make_endpoint(owner, receiver.url, name="HiBob")
        make_vendor()
        publish_events()
        deliver_due()
        WebhookDelivery.objects.update(state="dead")
        pages = live_server.url + reverse("admin:tracker_webhookendpoint_changelist")

        visitor.goto(pages)
        assert serious(visitor) == []
        visitor.get_by_role("link", name="HiBob").click()
        expect(visitor.get_by_text("vendor.created").first).to_be_visible()
        assert serious(visitor) == []
        visitor.get_by_role("link", name="Rotate the secret").click()
        visitor.get_by_role("button", name="Rotate", exact=True).click()
        expect(visitor.get_by_text("it is not shown again")).to_be_visible()
        endpoint = WebhookEndpoint.objects.get()
        expect(visitor.get_by_text(secret_of(endpoint.secret_seed))).to_be_visible()
        assert serious(visitor) == []
        visitor.reload()
        expect(visitor.get_by_text("was shown once")).to_be_visible()

        visitor.get_by_role("link", name="To the endpoint").click()
        visitor.get_by_role("link", name="vendor.created").click()
        expect(visitor.get_by_text("out of order")).to_be_visible()
        assert serious(visitor) == []
        visitor.get_by_role("link", name="Send once more").click()
        visitor.get_by_role("button", name="Send once more").click()
        expect(visitor.get_by_text("It is on its way again.")).to_be_visible()

    assert WebhookDelivery.objects.get().state == "waiting"
