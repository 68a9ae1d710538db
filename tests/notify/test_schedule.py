"""Times of digests, over the nights in which the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tracker.notify.preferences import Wishes
from tracker.notify.schedule import is_daytime, last_digest_time

LONDON, BERLIN = ZoneInfo("Europe/London"), ZoneInfo("Europe/Berlin")
NEW_YORK, KOLKATA = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "hour", "expected"),
    [
        ("2026-11-22 07:00", LONDON, 7, "2026-11-22 07:00"),
        ("2026-11-22 06:59", LONDON, 7, "2026-11-21 07:00"),
        ("2026-07-22 06:00", LONDON, 7, "2026-07-22 06:00"),
        ("2026-11-22 06:00", BERLIN, 7, "2026-11-22 06:00"),
        ("2026-11-22 01:31", KOLKATA, 7, "2026-11-22 01:30"),
        # 01:00 doesn't exist on 29 March in London: it is 02:00 summer time.
        ("2026-03-29 01:00", LONDON, 1, "2026-03-29 01:00"),
        ("2026-03-29 00:59", LONDON, 1, "2026-03-28 01:00"),
        # 01:00 comes twice on 25 October: the first counts.
        ("2026-10-25 00:00", LONDON, 1, "2026-10-25 00:00"),
        ("2026-10-25 01:00", LONDON, 1, "2026-10-25 00:00"),
        # 02:00 doesn't exist on 8 March in New York.
        ("2026-03-08 07:00", NEW_YORK, 2, "2026-03-08 07:00"),
        ("2028-02-29 07:00", LONDON, 7, "2028-02-29 07:00"),
        ("2028-03-01 06:00", LONDON, 7, "2028-02-29 07:00"),
    ],
)
def test_daily_digest_time_is_the_latest_of_its_hour(now, zone, hour, expected):
    assert last_digest_time(at(now), zone, hour=hour) == at(expected)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23 07:00", "2026-11-23 07:00"),
        ("2026-11-23 06:59", "2026-11-16 07:00"),
        ("2026-11-29 23:00", "2026-11-23 07:00"),
    ],
)
def test_weekly_digest_time_is_the_latest_of_its_weekday(now, expected):
    assert last_digest_time(at(now), LONDON, hour=7, weekday=0) == at(expected)


@pytest.mark.parametrize("zone", [LONDON, BERLIN, NEW_YORK, KOLKATA])
@pytest.mark.parametrize("hour", range(24))
def test_hourly_runs_of_a_year_find_each_day_once(zone, hour):
    """A run at each full hour of UTC sends one digest a day, whatever the clocks do."""
    now, digests = at("2028-01-01 00:00"), []
    served = last_digest_time(now, zone, hour=hour)
    while now < at("2029-01-01 00:00"):
        due_at = last_digest_time(now, zone, hour=hour)
        if served < due_at:
            digests.append(due_at)
            served = now
        now += timedelta(hours=1)

    days = [moment.astimezone(zone).date() for moment in digests]
    assert len(days) == len(set(days))
    assert len(days) in (365, 366)
    assert {later - day for day, later in pairwise(days)} == {timedelta(days=1)}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-22 06:59", False),
        ("2026-11-22 07:00", True),
        ("2026-11-22 18:59", True),
        ("2026-11-22 19:00", False),
    ],
)
def test_daytime_is_from_seven_to_seven(now, expected):
    assert is_daytime(at(now), LONDON) is expected


def test_zone_is_the_persons_own_or_the_products(settings):
    settings.TIME_ZONE = "Europe/London"

    assert Wishes(time_zone="Asia/Kolkata").zone == KOLKATA
    assert Wishes().zone == LONDON
