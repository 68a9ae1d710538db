"""Deliveries over real connections: each arrives, and nobody pays for another."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from engagements.choices import Role
from engagements.errors import WrongStateError
from engagements.models import Event
from tests.factories import make_department, make_user, make_vendor
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import (
    answers,
    drips,
    floods,
    never_answers,
    receiving,
)
from tracker.notify.models import Alert
from tracker.notify.services import tell_events
from tracker.webhooks import sending
from tracker.webhooks.models import (
    DeliveryState,
    StreamHead,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WhyDisabled,
)
from tracker.webhooks.schedule import ATTEMPTS
from tracker.webhooks.sending import Line
from tracker.webhooks.services import (
    Sent,
    deliver_due,
    disable_endpoint,
    disable_failing,
    enable_endpoint,
    forget_deliveries,
    publish_events,
    replay_delivery,
    rotate_secret,
    send_test,
)
from tracker.webhooks.services.delivering import (
    LEASE,
    Batch,
    _post_all,
    claim,
    record_batch,
)
from tracker.webhooks.signing import secret_of

pytestmark = pytest.mark.django_db


def happen(count=1):
    for _ in range(count):
        make_vendor()
    publish_events()


def due_now():
    """Let everything be due and nobody be left in peace, as hours later."""
    WebhookDelivery.objects.filter(state=DeliveryState.WAITING).update(
        due_at=timezone.now()
    )
    WebhookEndpoint.objects.update(paused_until=None)


@pytest.fixture
def impatient(monkeypatch):
    """A second instead of fifteen."""
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 1.0)


@pytest.fixture
def stopped():
    flag = threading.Event()
    yield flag
    flag.set()


def test_delivery_arrives_signed_and_is_logged(administrator, receiver):
    endpoint = make_endpoint(administrator, receiver.url)
    happen()

    sent = deliver_due()

    (got,) = receiver.got
    told = Webhook(secret_of(endpoint.secret_seed)).verify(got.body, got.headers)
    delivery = WebhookDelivery.objects.get()
    assert sent == Sent(delivered=1)
    assert told["type"] == "vendor.created"
    assert got.id == told["id"] == str(Event.objects.first().public_id)
    assert (got.path, got.headers["content-type"]) == ("/hook", "application/json")
    assert (delivery.state, delivery.last_status) == ("delivered", 200)
    assert json.loads(delivery.body) == told
    assert list(delivery.log.values_list("number", "status", "error", "answer")) == [
        (1, 200, "", "thanks")
    ]


def test_many_go_over_one_connection_in_order(administrator, receiver):
    make_endpoint(administrator, receiver.url)
    happen(20)

    deliver_due()

    expected = WebhookDelivery.objects.order_by("id")
    assert [got.id for got in receiver.got] == [row.message_id for row in expected]
    assert len({got.client for got in receiver.got}) == 1


def test_both_secrets_verify_after_a_rotation_until_the_old_one_ends(
    administrator, receiver
):
    endpoint = make_endpoint(administrator, receiver.url)
    old = secret_of(endpoint.secret_seed)
    new = rotate_secret(endpoint=endpoint, actor=administrator)
    happen()
    deliver_due()
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    happen()
    deliver_due()

    first, second = receiver.got

    assert old != new
    assert len(first.headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(first.body, first.headers)
    assert len(second.headers["webhook-signature"].split()) == 1
    Webhook(new).verify(second.body, second.headers)
    assert str(endpoint.secret_seed) not in str(list(Event.objects.values("changes")))


def test_secrets_stay_good_while_a_former_key_of_the_product_does(
    administrator, receiver, settings
):
    endpoint = make_endpoint(administrator, receiver.url)
    secret = secret_of(endpoint.secret_seed)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    happen()
    deliver_due()

    Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)


def test_failure_is_tried_again_under_the_same_id_until_it_is_given_up(administrator):
    with receiving(answers(500, "boom")) as receiver:
        make_endpoint(administrator, receiver.url)
        happen()
        for _ in range(ATTEMPTS + 2):
            deliver_due()
            due_now()

    delivery = WebhookDelivery.objects.get()
    assert {got.id for got in receiver.got} == {delivery.message_id}
    assert len(receiver.got) == ATTEMPTS
    assert (delivery.state, delivery.last_status) == ("dead", 500)
    assert list(delivery.log.order_by("id").values_list("number", flat=True)) == list(
        range(1, ATTEMPTS + 1)
    )


def test_retry_after_is_honoured(administrator):
    before = timezone.now()
    with receiving(answers(503, Retry_After="3600")) as receiver:
        endpoint = make_endpoint(administrator, receiver.url)
        happen(2)
        deliver_due()

    endpoint.refresh_from_db()
    first, second = WebhookDelivery.objects.order_by("id")
    assert len(receiver.got) == 1
    assert first.due_at >= before + timedelta(hours=1)
    # The second was not tried, and waits with its endpoint.
    assert (second.attempts, second.state) == (0, "waiting")
    assert endpoint.paused_until >= before + timedelta(hours=1)


def test_gone_turns_the_endpoint_off_and_its_owner_is_told(administrator):
    owner = make_user(Role.HR_INTEGRATION)
    with receiving(answers(410)) as receiver:
        endpoint = make_endpoint(owner, receiver.url)
        happen(3)
        deliver_due()
    tell_events()

    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_because) == (False, "gone")
    assert len(receiver.got) == 1
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"dead"}
    assert set(Alert.objects.values_list("recipient", flat=True)) == {
        owner.pk,
        administrator.pk,
    }


def test_redirect_is_a_failure_and_is_not_followed(administrator, receiver):
    with receiving(answers(302, Location=receiver.url)) as redirecting:
        make_endpoint(administrator, redirecting.url)
        happen()
        deliver_due()

    delivery = WebhookDelivery.objects.get()
    assert (len(redirecting.got), receiver.got) == (1, [])
    assert (delivery.state, delivery.last_status) == ("waiting", 302)
    assert "redirects" in delivery.last_error


@pytest.mark.parametrize("bad", ["silent", "dripping"])
def test_slow_receiver_is_left_and_others_do_not_wait(
    administrator, receiver, impatient, stopped, bad
):
    slowness = never_answers(stopped) if bad == "silent" else drips(stopped)
    with receiving(slowness) as slow:
        slow_one = make_endpoint(administrator, slow.url)
        good_one = make_endpoint(administrator, receiver.url)
        happen(5)
        started = time.monotonic()
        deliver_due()
        seconds = time.monotonic() - started

    first = slow_one.deliveries.order_by("id").first()
    good = WebhookAttempt.objects.filter(delivery__endpoint=good_one)
    assert len(receiver.got) == 5
    assert max(attempt.milliseconds for attempt in good) < 900
    # One wait for the slow one, and not one for each of its messages.
    assert len(slow.got) == 1
    assert 1 <= seconds < 6
    assert "within" in first.last_error
    slow_one.refresh_from_db()
    assert slow_one.paused_until > timezone.now()


def test_flood_of_an_answer_is_not_read(administrator, receiver):
    taken: list[int] = []
    with receiving(floods(100, taken)) as flooding:
        make_endpoint(administrator, flooding.url)
        make_endpoint(administrator, receiver.url)
        happen(2)
        deliver_due()

    assert WebhookDelivery.objects.filter(state="delivered").count() == 4
    assert max(len(row.answer) for row in WebhookAttempt.objects.all()) == 2000
    assert sum(taken) < 20 * 1024 * 1024


def test_name_of_a_private_address_is_not_connected_to(
    administrator, receiver, settings, monkeypatch
):
    """A name that leads into the house, as an attacker's own domain may."""
    settings.WEBHOOK_ALLOW_LOOPBACK = False
    asked = []

    def look_up(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    make_endpoint(administrator, "https://inside.example:8443/hook")
    happen()

    deliver_due()

    delivery = WebhookDelivery.objects.get()
    assert asked == ["inside.example"]
    assert receiver.got == []
    assert (delivery.state, delivery.last_error) == (
        "waiting",
        "The host leads to a private address.",
    )


def test_receiver_that_nobody_runs_is_a_failure(administrator, free_port):
    make_endpoint(administrator, f"http://127.0.0.1:{free_port}/")
    happen()

    assert deliver_due() == Sent(failed=1)
    assert "ConnectionRefusedError" in WebhookDelivery.objects.get().last_error


def test_message_that_is_refused_holds_up_no_other(administrator):
    def refuse_first(handler):
        status = 400 if len(receiver.got) == 1 else 200
        answers(status)(handler)

    with receiving(refuse_first) as receiver:
        make_endpoint(administrator, receiver.url)
        happen(3)
        deliver_due()

    states = WebhookDelivery.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["waiting", "delivered", "delivered"]


def test_connection_closed_between_messages_is_opened_again(administrator):
    def answer_and_hang_up(handler):
        answers(200)(handler)
        handler.close_connection = True

    with receiving(answer_and_hang_up) as receiver:
        make_endpoint(administrator, receiver.url)
        happen(5)

        assert deliver_due() == Sent(delivered=5)
    assert len(receiver.got) == 5


def test_message_taken_up_by_who_died_is_sent_when_the_lease_lapses(
    administrator, receiver
):
    endpoint = make_endpoint(administrator, receiver.url)
    happen()
    (taken_up,) = claim(endpoint)

    at_once = deliver_due()
    WebhookDelivery.objects.update(due_at=taken_up.due_at)
    later = deliver_due()

    assert (at_once, later) == (Sent(), Sent(delivered=1))
    assert WebhookDelivery.objects.get().attempts == 2
    assert timedelta(seconds=60) < LEASE


def test_run_of_another_process_is_left_to_it(administrator, receiver):
    make_endpoint(administrator, receiver.url)
    happen()
    StreamHead.objects.update(delivering_until=timezone.now() + timedelta(seconds=9))

    assert deliver_due() == Sent()
    StreamHead.objects.update(delivering_until=timezone.now())
    assert deliver_due() == Sent(delivered=1)


def test_replay_sends_the_same_message_again(administrator, receiver):
    endpoint = make_endpoint(administrator, receiver.url)
    happen()
    deliver_due()
    delivery = WebhookDelivery.objects.get()

    replay_delivery(delivery=delivery, actor=administrator)
    with pytest.raises(WrongStateError, match="waiting"):
        replay_delivery(delivery=delivery, actor=administrator)
    deliver_due()

    assert [got.id for got in receiver.got] == [delivery.message_id] * 2
    assert receiver.got[0].body == receiver.got[1].body
    disable_endpoint(endpoint=endpoint, actor=administrator)
    with pytest.raises(WrongStateError, match="Turn the endpoint on"):
        replay_delivery(delivery=delivery, actor=administrator)


def test_test_reaches_an_endpoint_that_is_off(administrator, receiver):
    endpoint = make_endpoint(administrator, receiver.url)
    disable_endpoint(endpoint=endpoint, actor=administrator)

    send_test(endpoint=endpoint, actor=administrator)
    happen()
    deliver_due()

    assert [json.loads(got.body)["type"] for got in receiver.got] == ["webhook.test"]


def test_endpoint_that_fails_for_days_is_turned_off_with_notice(administrator):
    owner = make_user(Role.HR_INTEGRATION, department=make_department())
    endpoint = make_endpoint(owner)
    now = timezone.now()
    WebhookEndpoint.objects.update(
        failures=9, failing_since=now - timedelta(days=5, minutes=1)
    )
    make_endpoint(owner)

    assert disable_failing(now=now) == 1
    endpoint.refresh_from_db()
    tell_events()

    assert endpoint.disabled_because == WhyDisabled.FAILING
    assert Alert.objects.filter(recipient=owner).count() == 1
    enable_endpoint(endpoint=endpoint, actor=owner)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.failing_since) == (True, None)


def test_success_ends_a_failing_spell(administrator, receiver):
    endpoint = make_endpoint(administrator, receiver.url)
    WebhookEndpoint.objects.update(failures=3, failing_since=timezone.now())
    happen()
    deliver_due()

    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_old_logs_are_erased_and_what_waits_is_kept(administrator, receiver):
    make_endpoint(administrator, receiver.url)
    happen(2)
    deliver_due()
    happen()
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))

    assert forget_deliveries(now=timezone.now()) == 2
    assert [row.state for row in WebhookDelivery.objects.all()] == ["waiting"]
    assert WebhookAttempt.objects.count() == 0


@pytest.mark.parametrize("count", [1, 30])
def test_batch_asks_as_much_for_thirty_as_for_one(
    administrator, receiver, count, django_assert_num_queries
):
    endpoint = make_endpoint(administrator, receiver.url)
    happen(count)

    # Two of each are the transaction's own.
    with django_assert_num_queries(4):
        batch = Batch(endpoint, claim(endpoint), Line(endpoint.url))
    _post_all(batch)
    with django_assert_num_queries(6):
        record_batch(batch, Sent())

    assert len(receiver.got) == count
    assert WebhookDelivery.objects.filter(state="delivered").count() == count
