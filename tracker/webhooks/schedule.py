"""When a delivery is tried again, and when an address is left in peace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# From the message's first attempt on: about three days in all.
DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS = len(DELAYS)
# Each wait is up to so much longer, so that what failed together comes back apart.
JITTER = 0.1
# A receiver may ask for patience, but not for ever.
LONGEST_WAIT = timedelta(hours=24)
SHORTEST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)

# Draws a number from 0 to 1.
Draw = Callable[[], float]


def next_attempt_at(
    *,
    attempts: int,
    now: datetime,
    retry_after: timedelta | None,
    draw: Draw,
) -> datetime | None:
    """Return when to try again after so many attempts; None when it is given up.

    Never sooner than the receiver asked for.
    """
    if attempts >= ATTEMPTS:
        return None
    wait = DELAYS[attempts] * (1 + JITTER * draw())
    return now + max(wait, min(retry_after or timedelta(0), LONGEST_WAIT))


def pause_after(failures: int) -> timedelta:
    """Return how long an address is left alone after so many failures in a row."""
    doubled: timedelta = SHORTEST_PAUSE * 2 ** min(max(failures - 1, 0), 10)
    return min(doubled, LONGEST_PAUSE)


def read_retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Return the wait a Retry-After header asks for (RFC 9110: seconds or a date)."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), int(1e8)))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
