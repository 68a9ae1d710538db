from datetime import UTC, datetime, timedelta

import pytest

from tracker.webhooks.schedule import (
    ATTEMPTS,
    next_attempt_at,
    pause_after,
    read_retry_after,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def waits(draw, retry_after=None):
    return [
        None if at is None else at - NOW
        for at in (
            next_attempt_at(
                attempts=attempts, now=NOW, retry_after=retry_after, draw=lambda: draw
            )
            for attempts in range(1, ATTEMPTS + 1)
        )
    ]


def test_waits_grow_to_a_day_and_end():
    assert waits(0) == [
        *(timedelta(seconds=5), 5 * MINUTE, 30 * MINUTE),
        *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
        None,
    ]


def test_jitter_only_lengthens():
    assert waits(1)[:2] == [timedelta(seconds=5.5), 5.5 * MINUTE]


def test_receiver_may_ask_for_longer_but_not_for_sooner_or_for_ever():
    assert waits(0, retry_after=HOUR)[:4] == [HOUR, HOUR, HOUR, 2 * HOUR]
    assert waits(0, retry_after=timedelta(days=90))[0] == 24 * HOUR
    assert waits(0, retry_after=HOUR)[-1] is None


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        (None, None),
        ("120", 2 * MINUTE),
        ("Thu, 01 Jan 2026 00:05:00 GMT", 5 * MINUTE),
        ("Wed, 31 Dec 2025 00:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-1", None),
        ("9" * 400, timedelta(seconds=1e8)),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, wait):
    assert read_retry_after(text, now=NOW) == wait


def test_pause_doubles_up_to_five_minutes():
    assert [pause_after(failures).total_seconds() for failures in (1, 2, 3, 99)] == [
        *(5, 10, 20, 300)
    ]
