"""Text of a cell to a moment, a month, or a yes and no; what is doubtful is refused."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tracker.imports.parsing import DateReading, Unreadable, parse_date

_CLOCK = re.compile(
    r"(?P<day>.+?)[T\s,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})", re.ASCII)
_ADVICE = "Write it as 2026-05-31 14:05, with Z or +01:00 where it isn't local time."
_YES = frozenset({"yes", "y", "true", "1", "met", "achieved", "ok", "in time"})
_NO = frozenset(
    {"no", "n", "false", "0", "missed", "breached", "breach", "failed", "late"}
)
_BLANK = frozenset({"", "n/a", "na", "none", "null", "-"})


class Moment(NamedTuple):
    """A moment in UTC; `is_first_of_two` where the local clock showed it twice."""

    at: datetime
    is_first_of_two: bool = False


def is_blank(text: str) -> bool:
    return text.strip().casefold() in _BLANK


def parse_moment(text: str, reading: DateReading, zone: ZoneInfo) -> Moment:
    """Return the moment; without a zone of its own it is local time in `zone`.

    An hour that the clock shows twice is taken for the first. Raises Unreadable, also
    for one that it skips.
    """
    found = _CLOCK.fullmatch(" ".join(text.split()))
    if found is None:
        raise Unreadable("has no day and time that can be read", _ADVICE)
    day = parse_date(found["day"], reading)
    local = datetime.combine(day, _time(found))
    if found["zone"]:
        return Moment(local.replace(tzinfo=UTC) - _offset(found["zone"]))
    return _in_zone(local, zone)


def _time(found: re.Match[str]) -> time:
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise Unreadable("is no time of the day", _ADVICE)
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError as error:
        raise Unreadable("is no time of the day", _ADVICE) from error


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise Unreadable("has no such time zone", _ADVICE)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _in_zone(local: datetime, zone: ZoneInfo) -> Moment:
    at = local.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise Unreadable(
            f"is a time that clocks in {zone.key} skipped",
            "They were put forward that night; give the time with its zone.",
        )
    later = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return Moment(at, is_first_of_two=later != at)


def parse_month(text: str) -> date | None:
    """Return the first day of a month such as 2026-05, or None for anything else."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or not int(found[1]) >= 1990:
        return None
    return date(int(found[1]), int(found[2]), 1)


def parse_yes_no(text: str) -> bool | None:
    """Return whether it was met; None for a blank. Raises Unreadable."""
    word = " ".join(text.split()).casefold()
    if word in _BLANK:
        return None
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable("is neither yes nor no", "Write yes or no; blank if not known.")


def parse_count(text: str, *, most: int = 2_000_000_000) -> int:
    """Return a whole number. Raises Unreadable."""
    plain = text.strip().replace(",", "").removesuffix(".0")
    if not plain.isascii() or not plain.isdecimal():
        raise Unreadable("is no whole number", "Write it with digits, such as 120.")
    if len(plain) > 12 or int(plain) > most:
        raise Unreadable("is too large", f"At most {most:,}.")
    return int(plain)
