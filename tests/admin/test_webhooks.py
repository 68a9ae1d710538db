"""The pages of webhook endpoints and of what was sent to them."""

import pytest
from django.test import Client
from django.urls import reverse

from engagements.choices import Role
from tests.admin.conftest import logged_in
from tests.factories import make_user, make_vendor
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import answers, receiving
from tracker.webhooks.models import WebhookDelivery, WebhookEndpoint
from tracker.webhooks.services import deliver_due, publish_events
from tracker.webhooks.signing import secret_of

pytestmark = pytest.mark.django_db

ENDPOINTS = reverse("admin:tracker_webhookendpoint_changelist")
DELIVERIES = reverse("admin:tracker_webhookdelivery_changelist")
ADD = reverse("admin:tracker_webhookendpoint_add")
POSTED = {
    "name": "HiBob",
    "url": "https://receiver.example/hook",
    "event_types": ["engagement.ended"],
}


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change_page(endpoint):
    return reverse("admin:tracker_webhookendpoint_change", args=[endpoint.pk])


def press(client, endpoint, name, **values):
    return client.post(
        reverse(f"admin:tracker_webhookendpoint_{name}", args=[endpoint.pk]),
        {"_form_submitted": "1"} | values,
    )


def test_secret_of_a_new_endpoint_is_shown_once():
    hr = make_user(Role.HR_INTEGRATION)
    client = browser_of(hr)

    led = client.post(ADD, POSTED)
    shown, again = (client.get(led["Location"]).content.decode() for _ in range(2))

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.owner == hr
    assert secret_of(endpoint.secret_seed) in shown
    assert "whsec_" not in again
    assert "whsec_" not in client.get(change_page(endpoint)).content.decode()


def test_wrong_address_is_told_beside_its_field():
    client = logged_in(Role.ADMINISTRATOR)
    owner = make_user(Role.HR_INTEGRATION)

    page = client.post(ADD, POSTED | {"url": "http://10.0.0.1/", "owner": owner.pk})

    assert page.context["adminform"].form.errors == {
        "url": ["Give an address by https, on port 443 or 8443."]
    }


def test_rotation_leads_to_the_new_secret():
    hr = make_user(Role.HR_INTEGRATION)
    client, endpoint = browser_of(hr), make_endpoint(hr)
    old = secret_of(endpoint.secret_seed)

    led = press(client, endpoint, "rotate", hours="0")
    shown = client.get(led["HX-Redirect"]).content.decode()

    endpoint.refresh_from_db()
    assert old not in shown
    assert secret_of(endpoint.secret_seed) in shown
    assert endpoint.previous_seed is None


def test_test_is_logged_with_body_and_answer_and_can_be_sent_once_more(settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    hr = make_user(Role.HR_INTEGRATION)
    client = browser_of(hr)
    with receiving(answers(400, "what is <b>this</b>?")) as receiver:
        endpoint = make_endpoint(hr, receiver.url)
        press(client, endpoint, "send_test")
        deliver_due()
        delivery = WebhookDelivery.objects.get()
        WebhookDelivery.objects.update(state="dead")
        page = reverse("admin:tracker_webhookdelivery_change", args=[delivery.pk])
        told = client.get(page).content.decode()
        client.post(
            DELIVERIES, {"action": "replay_chosen", "_selected_action": [delivery.pk]}
        )
        deliver_due()

    assert "webhook.test" in told
    assert "what is &lt;b&gt;this&lt;/b&gt;?" in told
    assert [got.id for got in receiver.got] == [delivery.message_id] * 2


def test_endpoint_is_turned_off_and_on():
    hr = make_user(Role.HR_INTEGRATION)
    client, endpoint = browser_of(hr), make_endpoint(hr)

    press(client, endpoint, "disable")
    off = WebhookEndpoint.objects.get().is_enabled
    press(client, endpoint, "enable")

    assert (off, WebhookEndpoint.objects.get().is_enabled) == (False, True)


def test_endpoints_of_others_are_for_who_oversees_alone():
    theirs = make_endpoint(make_user(Role.HR_INTEGRATION), name="Theirs")
    make_vendor()
    publish_events()
    delivery = WebhookDelivery.objects.get()
    log = reverse("admin:tracker_webhookdelivery_change", args=[delivery.pk])
    finance, auditor = logged_in(Role.FINANCE), logged_in(Role.AUDITOR)

    assert logged_in(Role.MANAGER).get(ENDPOINTS).status_code == 403
    for address in (change_page(theirs), log):
        assert finance.get(address).status_code == 302
        assert auditor.get(address).status_code == 200
    assert "Theirs" not in finance.get(ENDPOINTS).content.decode()
    assert press(finance, theirs, "rotate", hours="1").status_code in (403, 404)
    assert press(auditor, theirs, "disable").status_code in (403, 404)
    assert press(auditor, theirs, "send_test").status_code in (403, 404)
    theirs.refresh_from_db()
    assert (theirs.is_enabled, theirs.previous_seed) == (True, None)


@pytest.mark.parametrize("count", [1, 3])
def test_lists_ask_as_much_for_three_as_for_one(count, django_assert_num_queries):
    owner = make_user(Role.ADMINISTRATOR)
    client = browser_of(owner)
    make_vendor()
    for _ in range(count):
        make_endpoint(owner)
    publish_events()
    client.get(ENDPOINTS)

    with django_assert_num_queries(11):
        assert client.get(ENDPOINTS).status_code == 200
    with django_assert_num_queries(12):
        assert client.get(DELIVERIES).status_code == 200
