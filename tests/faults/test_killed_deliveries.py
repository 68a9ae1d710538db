"""A worker killed while it sends: each message arrives all the same, under its id."""

import os
import subprocess
import sys
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.env import BASE_DIR
from engagements.choices import Role
from tests.factories import make_user, make_vendor
from tests.management.product import eventually
from tests.processes import users_environment
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import answers, receiving
from tracker.webhooks.models import StreamHead, WebhookDelivery
from tracker.webhooks.services import publish_events

MESSAGES, KILLED_AT = 10, 4
PROGRAM = "from tracker.webhooks.services import deliver_due; print(deliver_due())"
PATIENCE = 60  # seconds


def worker(data_dir) -> subprocess.Popen[str]:
    """Start a process of the product, which sends what is due in this database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", PROGRAM],
        cwd=BASE_DIR,
        env=users_environment(
            DATA_DIR=str(data_dir),
            DATABASE_URL=address_of_database(),
            SECRET_KEY=settings.SECRET_KEY,
            WEBHOOK_ALLOW_LOOPBACK="1",
        ),
        stdout=subprocess.PIPE,
        text=True,
    )


def address_of_database() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.mark.django_db(transaction=True)
def test_messages_of_a_killed_worker_arrive_at_least_once_under_the_same_id(
    settings, tmp_path
):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    is_dead = threading.Event()

    def hold_one(handler):
        if len(receiver.got) == KILLED_AT:
            is_dead.wait(PATIENCE)
        answers(200)(handler)

    with receiving(hold_one) as receiver:
        make_endpoint(make_user(Role.ADMINISTRATOR), receiver.url)
        for _ in range(MESSAGES):
            make_vendor()
        publish_events()

        victim = worker(tmp_path)
        assert eventually(lambda: len(receiver.got) == KILLED_AT, seconds=PATIENCE)
        victim.kill()
        victim.communicate()
        is_dead.set()
        waiting = WebhookDelivery.objects.filter(state="waiting").count()
        # As time goes by: the lease of what was taken up lapses, and of the run.
        WebhookDelivery.objects.update(due_at=timezone.now())
        StreamHead.objects.update(delivering_until=timezone.now())
        successor = worker(tmp_path)
        successor.communicate(timeout=PATIENCE)

    arrived = Counter(got.id for got in receiver.got)
    wanted = set(WebhookDelivery.objects.values_list("message_id", flat=True))
    assert waiting == MESSAGES
    assert arrived.keys() == wanted
    # What came before the kill was never recorded, and so came twice.
    assert sorted(arrived.values()) == [1] * (MESSAGES - KILLED_AT) + [2] * KILLED_AT
    assert {row.state for row in WebhookDelivery.objects.all()} == {"delivered"}
