"""Deliveries in batches over kept connections, beside a task for each delivery.

The task is as lean as can be: it reads its row, posts over a connection of its own and
stores the outcome; its messages stay in memory, in the worker's own process.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery, Task
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from engagements.choices import Role
from tests.benchmarks.figures import Figure, interleaved
from tests.factories import make_user
from tests.webhooks.endpoints import make_endpoint
from tracker.webhooks.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from tracker.webhooks.sending import Line
from tracker.webhooks.services import deliver_due
from tracker.webhooks.signing import headers_for, secrets_of

# A receiver that costs next to nothing: it answers whatever comes, and counts.
RECEIVER = """
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"
async def talk(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            at = head.lower().index(b"content-length:") + 15
            await reader.readexactly(int(head[at:head.index(b"\\r", at)]))
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
BODY = '{"id":"5b1c1a7e-3f0e-4a55-9d0c-8f1b9a6f2f11","type":"vendor.created"}'


def run(*, is_full: bool) -> list[Figure]:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    # Two lines for each task would be measured with them.
    logging.getLogger("celery").setLevel(logging.WARNING)
    count = 5_000 if is_full else 500
    with receiver() as url, worker() as task:
        endpoint = make_endpoint(make_user(Role.ADMINISTRATOR), url)
        plant(endpoint, count)
        in_tasks, in_turn, in_batches = interleaved(
            lambda: by_tasks(task), one_by_one, by_batches, rounds=3
        )
    return [
        Figure("a task for each delivery", count / in_tasks, "/s"),
        Figure("one by one, without a task", count / in_turn, "/s"),
        Figure("in batches", count / in_batches, "/s"),
        Figure("as fast as a task for each", in_tasks / in_batches, "x", goal=6),
        Figure("as fast as one by one", in_turn / in_batches, "x"),
    ]


@contextmanager
def receiver() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.kill()
        process.communicate()


@contextmanager
def worker() -> Iterator[Task[[int], None]]:
    app = Celery("bench", broker="memory://localhost", set_as_current=False)
    app.conf.task_ignore_result = True
    app.conf.worker_prefetch_multiplier = 1
    task = app.task(name="bench.deliver_one")(deliver_one)
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        yield task


def plant(endpoint: WebhookEndpoint, count: int) -> None:
    WebhookDelivery.objects.bulk_create(
        (
            WebhookDelivery(
                endpoint=endpoint,
                message_id=f"message-{number}",
                event_type="vendor.created",
                body=BODY,
            )
            for number in range(count)
        ),
        batch_size=1_000,
    )


def begin_anew() -> int:
    WebhookAttempt.objects.all().delete()
    return WebhookDelivery.objects.update(
        state=DeliveryState.WAITING,
        attempts=0,
        due_at=timezone.now(),
        delivered_at=None,
    )


def check(count: int) -> None:
    done = WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).count()
    logged = WebhookAttempt.objects.filter(status=200).count()
    assert (done, logged) == (count, count), (done, logged)


def by_batches() -> None:
    count = begin_anew()
    while WebhookDelivery.objects.filter(state=DeliveryState.WAITING).exists():
        deliver_due()
    check(count)


def by_tasks(task: Task[[int], None]) -> None:
    count = begin_anew()
    for pk in WebhookDelivery.objects.order_by("id").values_list("pk", flat=True):
        task.delay(pk)
    while WebhookDelivery.objects.filter(state=DeliveryState.WAITING).exists():
        time.sleep(0.02)
    check(count)


def one_by_one() -> None:
    count = begin_anew()
    for pk in WebhookDelivery.objects.order_by("id").values_list("pk", flat=True):
        deliver_one(pk)
    check(count)


def deliver_one(pk: int) -> None:
    delivery = WebhookDelivery.objects.select_related("endpoint").get(pk=pk)
    line, at = Line(delivery.endpoint.url), timezone.now()
    headers = headers_for(
        message_id=delivery.message_id,
        body=delivery.body,
        signed_with=secrets_of(delivery.endpoint.seeds()),
        at=at,
    )
    answer = line.post(delivery.body, headers)
    line.close()
    with transaction.atomic():
        WebhookAttempt.objects.create(
            delivery=delivery,
            number=1,
            made_at=at,
            milliseconds=round(answer.seconds * 1000),
            status=answer.status,
        )
        delivery.state = DeliveryState.DELIVERED
        delivery.delivered_at = timezone.now()
        delivery.last_status = answer.status
        delivery.save()
