"""When a digest goes out: times in, times out, in the reader's own zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Nobody is woken by a mail that can wait for the morning.
FIRST_HOUR, LAST_HOUR = 7, 18
DAILY, WEEKLY = 1, 7


def is_daytime(now: datetime, zone: ZoneInfo) -> bool:
    return FIRST_HOUR <= now.astimezone(zone).hour <= LAST_HOUR


def last_digest_time(
    now: datetime, zone: ZoneInfo, *, hour: int, weekday: int | None = None
) -> datetime:
    """Return when the latest digest was to go out, at or before `now`.

    It goes out every day, or on the weekday (Monday is 0). In the night the clocks go
    forward, an hour that doesn't exist is taken as the one after; in the night they
    go back, the first of the two counts.
    """
    day = now.astimezone(zone).date()
    if weekday is not None:
        day -= timedelta(days=(day.weekday() - weekday) % WEEKLY)
    moment = _at(day, hour, zone)
    step = timedelta(days=DAILY if weekday is None else WEEKLY)
    return moment if moment <= now else _at(day - step, hour, zone)


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
