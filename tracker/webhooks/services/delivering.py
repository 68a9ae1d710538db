"""What is due is sent: a line for each receiver, so that none waits for another."""

from __future__ import annotations

import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tracker.webhooks.models import (
    DeliveryState,
    StreamHead,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WhyDisabled,
)
from tracker.webhooks.public_types import TEST_TYPE
from tracker.webhooks.queries import deliveries_to_forget, endpoints_to_disable
from tracker.webhooks.schedule import next_attempt_at, pause_after, read_retry_after
from tracker.webhooks.sending import Answer, Line
from tracker.webhooks.services.endpoints import disable_endpoint
from tracker.webhooks.services.publishing import locked_head
from tracker.webhooks.signing import headers_for, secrets_of

LINES = 16
# So many messages a line takes up at once, for so long it goes on posting them.
BATCH = 100
LINE_SECONDS = 30.0
# Longer than a line can hold what it took up; then another process sends it.
LEASE = timedelta(seconds=120)
# The sending is one process's at a time; where it is killed, for so long nobody's.
RUN_LEASE = timedelta(seconds=30)
RUN_SECONDS = 50.0
WATCH_SECONDS = 0.25
GONE = 410


@dataclass
class Sent:
    """What a run did; `failed` counts attempts, of which most are tried again."""

    delivered: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Tried:
    delivery: WebhookDelivery
    at: datetime
    answer: Answer


@dataclass
class Batch:
    """What a line took up of one endpoint's."""

    endpoint: WebhookEndpoint
    deliveries: list[WebhookDelivery]
    line: Line
    tried: list[Tried] = field(default_factory=list)

    def left(self) -> list[WebhookDelivery]:
        return self.deliveries[len(self.tried) :]


def deliver_due(*, seconds: float = RUN_SECONDS) -> Sent:
    """Send all that is due, until nothing is or the time is over.

    While one receiver keeps its line waiting, the others' messages go out. Whatever is
    killed when: each message goes out at least once, under the same id every time.
    """
    sent = Sent()
    if not _take_run():
        return sent
    try:
        _run(sent, until=time.monotonic() + seconds)
    finally:
        StreamHead.objects.update(delivering_until=None)
    return sent


def _run(sent: Sent, *, until: float) -> None:
    busy: dict[Future[None], Batch] = {}
    renewed_at = time.monotonic()
    with ThreadPoolExecutor(LINES, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < until:
                for batch in _take_up(busy):
                    busy[pool.submit(_post_all, batch)] = batch
            if not busy:
                return
            done, _rest = wait(busy, timeout=WATCH_SECONDS, return_when=FIRST_COMPLETED)
            for batch in busy.values():
                batch.line.cut_if_late()
            for future in done:
                batch = busy.pop(future)
                future.result()
                record_batch(batch, sent)
            if time.monotonic() - renewed_at > RUN_LEASE.total_seconds() / 3:
                StreamHead.objects.update(delivering_until=timezone.now() + RUN_LEASE)
                renewed_at = time.monotonic()


@transaction.atomic
def _take_run() -> bool:
    """Take the sending for this process, unless another one has it."""
    head, now = locked_head(), timezone.now()
    if head is None or (head.delivering_until and head.delivering_until > now):
        return False
    head.delivering_until = now + RUN_LEASE
    head.save(update_fields=["delivering_until"])
    return True


def _take_up(busy: dict[Future[None], Batch]) -> list[Batch]:
    """Return batches of endpoints that no line is busy with."""
    engaged = {batch.endpoint.pk for batch in busy.values()}
    free = LINES - len(busy)
    waiting = WebhookEndpoint.objects.filter(
        pk__in=_due(timezone.now()).values("endpoint")
    ).exclude(pk__in=engaged)
    return [
        Batch(endpoint, deliveries, Line(endpoint.url))
        for endpoint in waiting.order_by("pk")[:free]
        if (deliveries := claim(endpoint))
    ]


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    is_wanted = Q(endpoint__is_enabled=True) | Q(event_type=TEST_TYPE)
    is_spoken_to = Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now)
    return WebhookDelivery.objects.filter(
        is_wanted,
        is_spoken_to,
        state=DeliveryState.WAITING,
        due_at__lte=now,
        endpoint__owner__is_active=True,
    )


@transaction.atomic
def claim(endpoint: WebhookEndpoint) -> list[WebhookDelivery]:
    """Take up due messages of an endpoint, the oldest first, for as long as the lease.

    An attempt counts from here on, so that a message which kills its sender is given
    up one day as well.
    """
    now = timezone.now()
    rows = list(
        _due(now)
        .filter(endpoint=endpoint)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("due_at", "id")[:BATCH]
    )
    WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(
        due_at=now + LEASE, attempts=F("attempts") + 1, updated_at=now
    )
    for row in rows:
        row.attempts += 1
    return rows


def _post_all(batch: Batch) -> None:
    """Post a batch until the receiver is down or time is over; in a thread."""
    signed_with = secrets_of(batch.endpoint.seeds())
    until = time.monotonic() + LINE_SECONDS
    try:
        for delivery in batch.deliveries:
            if time.monotonic() > until:
                return
            answer = _post(batch.line, delivery, signed_with)
            batch.tried.append(answer)
            if answer.answer.is_down or answer.answer.status == GONE:
                return
    finally:
        batch.line.close()


def _post(line: Line, delivery: WebhookDelivery, signed_with: list[str]) -> Tried:
    at = timezone.now()
    headers = headers_for(
        message_id=delivery.message_id,
        body=delivery.body,
        signed_with=signed_with,
        at=at,
    )
    return Tried(delivery, at, line.post(delivery.body, headers))


@transaction.atomic
def record_batch(batch: Batch, sent: Sent) -> None:
    """Store how the posts of a line went, and let go of what it did not come to."""
    now = timezone.now()
    # Before its deliveries, as whoever turns it off or deletes it does.
    endpoint = (
        WebhookEndpoint.objects.select_for_update().filter(pk=batch.endpoint.pk).first()
    )
    if endpoint is None:
        return
    taken = [each for each in batch.tried if each.answer.is_taken]
    failed = [each for each in batch.tried if not each.answer.is_taken]
    WebhookAttempt.objects.bulk_create(map(_attempt, batch.tried), batch_size=BATCH)
    _record_taken(taken, now)
    for each in failed:
        _record_failed(each, now)
    _release(batch.left())
    _record_endpoint(endpoint, [each.answer for each in batch.tried], now)
    sent.delivered += len(taken)
    sent.failed += len(failed)


def _attempt(tried: Tried) -> WebhookAttempt:
    return WebhookAttempt(
        delivery=tried.delivery,
        number=tried.delivery.attempts,
        made_at=tried.at,
        milliseconds=round(tried.answer.seconds * 1000),
        status=tried.answer.status,
        error=tried.answer.error,
        answer=tried.answer.text,
    )


def _record_taken(taken: list[Tried], now: datetime) -> None:
    by_status: dict[int | None, list[int]] = {}
    for each in taken:
        by_status.setdefault(each.answer.status, []).append(each.delivery.pk)
    for status, ids in by_status.items():
        # Delivered is delivered, though the lease may have lapsed meanwhile.
        WebhookDelivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.DELIVERED,
            delivered_at=now,
            updated_at=now,
            last_status=status,
            last_error="",
        )


def _record_failed(tried: Tried, now: datetime) -> None:
    delivery, answer = tried.delivery, tried.answer
    again_at = next_attempt_at(
        attempts=delivery.attempts,
        now=now,
        retry_after=read_retry_after(answer.retry_after, now=now),
        draw=random.random,
    )
    is_over = again_at is None or answer.status == GONE
    _held(delivery).update(
        state=DeliveryState.DEAD if is_over else DeliveryState.WAITING,
        due_at=again_at or now,
        updated_at=now,
        last_status=answer.status,
        last_error=answer.error,
    )


def _release(left: list[WebhookDelivery]) -> None:
    """Let messages be due again that were taken up and not tried."""
    if left:
        attempts = Q()
        for each in left:
            attempts |= Q(pk=each.pk, attempts=each.attempts)
        WebhookDelivery.objects.filter(attempts, state=DeliveryState.WAITING).update(
            due_at=timezone.now(), attempts=F("attempts") - 1
        )


def _held(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """Keep the row only while nobody else has taken it up or settled it."""
    return WebhookDelivery.objects.filter(
        pk=delivery.pk, attempts=delivery.attempts, state=DeliveryState.WAITING
    )


def _record_endpoint(
    endpoint: WebhookEndpoint, answers: list[Answer], now: datetime
) -> None:
    """Keep how the receiver is doing: whether it failed, since when, and its pause."""
    if not answers:
        return
    last = answers[-1]
    if last.status == GONE:
        disable_endpoint(endpoint=endpoint, because=WhyDisabled.GONE, actor=None)
        return
    if any(answer.is_taken for answer in answers):
        endpoint.failures, endpoint.failing_since = 0, None
    endpoint.paused_until = None
    if not last.is_taken:
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or now
    if last.is_down:
        endpoint.paused_until = now + _pause(last, endpoint.failures, now)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        paused_until=endpoint.paused_until,
    )


def _pause(last: Answer, failures: int, now: datetime) -> timedelta:
    asked = read_retry_after(last.retry_after, now=now) or timedelta(0)
    return max(pause_after(failures), min(asked, timedelta(hours=1)))


@transaction.atomic
def disable_failing(*, now: datetime) -> int:
    """Turn off endpoints at which nothing has arrived for days, and tell of it."""
    found = list(endpoints_to_disable(now).order_by("pk"))
    for endpoint in found:
        disable_endpoint(endpoint=endpoint, because=WhyDisabled.FAILING, actor=None)
    return len(found)


def forget_deliveries(*, now: datetime) -> int:
    """Erase the log of what was delivered or given up long ago; return how many.

    In parts, so that those who send are not kept waiting.
    """
    erased = 0
    while True:
        ids = list(deliveries_to_forget(now).values_list("pk", flat=True)[:1000])
        if not ids:
            return erased
        WebhookDelivery.objects.filter(pk__in=ids).delete()
        erased += len(ids)
