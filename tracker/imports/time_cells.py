"""One line of a time tracker: its day and its hours, whatever the layout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tracker.imports.mapping import Field, normalise_header
from tracker.imports.parsing import Unreadable, parse_amount, parse_date
from tracker.imports.performance_lines import Cells

FIELDS = (
    Field(
        "day",
        "day",
        ("date", "day", "date at", "worked on", "work date", "spent on", "start date"),
        help_text="Not needed where the start says it.",
    ),
    Field(
        "start",
        "start",
        ("from", "start", "clock in", "started at", "start time", "time in", "begin"),
    ),
    Field(
        "end",
        "end",
        (
            "to",
            "end",
            "clock out",
            "ended at",
            "end time",
            "time out",
            "stop",
            "finish",
        ),
    ),
    Field(
        "duration",
        "hours",
        (
            "duration",
            "hours",
            "minutes",
            "hours worked",
            "duration hours",
            "duration minutes",
            "duration seconds",
            "time spent",
            "seconds",
        ),
        help_text="Not needed where start and end are given.",
    ),
    Field(
        "person",
        "person",
        (
            "user",
            "user name",
            "username",
            "person",
            "contractor",
            "employee",
            "employee name",
            "worker",
            "e mail",
            "email",
            "user id",
            "employee id",
            "name",
        ),
    ),
    Field(
        "engagement",
        "engagement or project",
        (
            "engagement",
            "engagement reference",
            "project",
            "project name",
            "assignment",
            "project id",
            "task id",
        ),
        help_text="Its reference or external id, or a name that was given one.",
    ),
    Field(
        "number",
        "number",
        ("id", "entry id", "time entry id", "source id", "uuid", "number"),
    ),
    Field(
        "activity",
        "activity",
        (
            "activity",
            "service name",
            "activity name",
            "type of work",
            "task",
            "service",
        ),
    ),
    Field(
        "description",
        "description",
        ("description", "note", "notes", "comment", "annotation", "tags"),
    ),
    Field("overtime", "overtime", ("overtime", "is overtime")),
)

# The longest span that is one entry; a longer one was left running.
LONGEST = timedelta(hours=24)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SPAN = re.compile(r"(?:(\d{1,3}) days?, )?(\d{1,4}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Layout:
    """A tool's export, known by its columns; `unit` is that of a bare duration."""

    name: str
    columns: frozenset[str]
    unit: str = ""


LAYOUTS = (
    Layout(
        "Kimai",
        frozenset({"date", "from", "to", "duration", "user", "project", "activity"}),
        "seconds",
    ),
    Layout("Mite", frozenset({"date at", "minutes", "user id"}), "minutes"),
    Layout("Tick", frozenset({"date", "hours", "task id", "user id"}), "hours"),
    Layout("Timewarrior", frozenset({"start", "end", "tags", "annotation"})),
    Layout("Sage HR", frozenset({"employee id", "clock in", "clock out"})),
)
OTHER = Layout("other", frozenset())


def layout_of(columns: Sequence[str]) -> Layout:
    """Return the tool whose columns these are, or `OTHER`."""
    found = {normalise_header(column) for column in columns}
    return next((one for one in LAYOUTS if one.columns <= found), OTHER)


def unit_of(column: str, layout: Layout) -> str:
    """Return what a bare number in the column counts, or nothing where that is open."""
    words = normalise_header(column)
    for unit in _SECONDS:
        if unit in words:
            return unit
    return layout.unit


class Entry(NamedTuple):
    """What a line says, before it is known whose and of what it is."""

    number: int
    day: date
    hours: Decimal
    person: str
    engagement: str
    source_id: str
    started: str
    activity: str
    description: str
    is_overtime: bool


def is_total(cells: Cells) -> bool:
    """Tell whether the line sums others: hours of no day, person or project."""
    told = ("day", "start", "person", "engagement", "number", "description")
    return not any(cells.text(name) for name in told)


def read_entry(
    cells: Cells, zone: ZoneInfo, unit: str, *, decimal_comma: bool
) -> Entry | None:
    """Return what the line says; what is wrong with it goes into its cells."""
    start = _moment(cells, "start", zone, None)
    day = _day(cells, start)
    if start is None and day is not None:
        start = _moment(cells, "start", zone, day)
    hours = _hours(cells, zone, unit, start, decimal_comma=decimal_comma)
    entry = (
        cells.words("person", 200),
        cells.words("engagement", 200),
        cells.words("number", 200),
        f"{start:%Y-%m-%d %H:%M:%S}" if start else "",
        cells.words("activity", 200),
        cells.words("description", 2000),
        _overtime(cells),
    )
    if day is None or hours is None or cells.has_failed:
        return None
    return Entry(cells.line.number, day, hours, *entry)


def _day(cells: Cells, start: datetime | None) -> date | None:
    if not cells.is_blank("day"):
        return cells.parse("day", lambda text: parse_date(text, cells.dates))
    if start is None:
        cells.refuse("day", "names no day", "Give the day on which it was worked.")
        return None
    return start.date()


def _moment(
    cells: Cells, name: str, zone: ZoneInfo, day: date | None
) -> datetime | None:
    """Return the local moment; a bare time needs the day, and is None without it."""
    text = cells.text(name)
    if cells.is_blank(name):
        return None
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            # Spreadsheets leave midnight out.
            found = cells.parse(name, lambda text: parse_date(text, cells.dates))
            return (
                None if found is None else datetime.combine(found, datetime.min.time())
            )
        at = cells.moment(name, zone)
        return None if at is None else at.astimezone(zone).replace(tzinfo=None)
    hour, minute, second = (int(part or 0) for part in clock.groups())
    if hour > 23 or minute > 59 or second > 59:
        cells.refuse(name, "is no time of the day", "Write it as 09:30.")
        return None
    if day is None:
        return None
    return _midnight(day) + timedelta(hours=hour, minutes=minute, seconds=second)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - as local clocks show


def _hours(
    cells: Cells,
    zone: ZoneInfo,
    unit: str,
    start: datetime | None,
    *,
    decimal_comma: bool,
) -> Decimal | None:
    if cells.is_blank("duration"):
        span = _span(cells, zone, start)
        name = "end"
    else:
        span = cells.parse(
            "duration",
            lambda text: parse_duration(text, unit, decimal_comma=decimal_comma),
        )
        name = "duration"
    if span is None:
        return None
    if span > LONGEST:
        cells.refuse(
            name,
            f"comes to {_shown(span)} hours, more than a day",
            "Split it by day, or correct it: a timer may have been left running.",
        )
        return None
    hours = _in_hours(span)
    if hours <= 0:
        cells.refuse(
            name, "comes to no time", "Leave the line out: work takes some time."
        )
        return None
    return hours


def _span(cells: Cells, zone: ZoneInfo, start: datetime | None) -> timedelta | None:
    if start is None:
        if not cells.has_failed:
            cells.refuse("duration", "says no hours", "Give hours, or start and end.")
        return None
    if cells.is_blank("end"):
        cells.refuse("end", "has no end: it is still running", "Stop it, export again.")
        return None
    end = _moment(cells, "end", zone, start.date())
    if end is None:
        return None
    if end < start and _CLOCK.fullmatch(cells.text("end")):
        end += timedelta(days=1)
    if end < start:
        cells.refuse("end", "is before the start", "Correct one of the two.")
        return None
    return end - start


def parse_duration(text: str, unit: str, *, decimal_comma: bool = False) -> timedelta:
    """Return the duration of 7:30, 0:28:00, or a number of the unit.

    Raises Unreadable, also for a bare number whose unit nobody knows.
    """
    if span := _SPAN.fullmatch(text.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    number = parse_amount(text, decimals=4, decimal_comma=decimal_comma)
    if not unit and number > 24:
        raise Unreadable(
            "is a number of hours above 24, or of something else",
            "Name the column hours, minutes or seconds, or write 7:30.",
        )
    seconds_of_one = _SECONDS[unit or "hours"]
    return timedelta(seconds=int(number * seconds_of_one))


def _in_hours(span: timedelta) -> Decimal:
    seconds = Decimal(span.days * 86_400 + span.seconds)
    return (seconds / 3600).quantize(_HUNDREDTH, ROUND_HALF_UP)


def _shown(span: timedelta) -> str:
    return f"{_in_hours(span):f}".rstrip("0").rstrip(".")


_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"", "no", "n", "false", "0"})


def _overtime(cells: Cells) -> bool:
    word = cells.text("overtime").casefold()
    if word not in _YES | _NO:
        cells.refuse("overtime", "is not yes or no", "Write yes or no.")
    return word in _YES


def lacking_fields(by_field: Mapping[str, str]) -> list[str]:
    """Return in words what no column tells, for all lines."""
    lacking = []
    if not {"day", "start"} & set(by_field):
        lacking.append("the day (day or start)")
    if "duration" not in by_field and not {"start", "end"} <= set(by_field):
        lacking.append("the hours (hours, or start and end)")
    return lacking
