"""The kind `time`: what time trackers export, entry by entry, as work logs.

Kimai, Mite, Tick, Timewarrior and Sage HR are known by their columns; any other table
with days and hours can be mapped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from engagements.errors import TrackerError
from engagements.models import User
from tracker.imports.kinds import Batch, Progress, Source, check_options, register
from tracker.imports.mapping import ColumnMapping, Field
from tracker.imports.performance_lines import Account, Cells, each_line
from tracker.imports.problems import (
    MappingError,
    Note,
    Problem,
    UnreadableFileError,
    shown,
)
from tracker.imports.record_report import RecordReport
from tracker.imports.report import Report
from tracker.imports.time_cells import (
    FIELDS,
    Entry,
    is_total,
    lacking_fields,
    layout_of,
    read_entry,
    unit_of,
)
from tracker.imports.time_places import TimePlaces, Work, known_places
from tracker.spend.models import Activity, Timesheet, WorkLog
from tracker.spend.services import log_work_lines

# Below the number of parameters that every SQLite takes in one statement.
_AT_ONCE = 900
_GIVE_A_NAME = "Say what it stands for under “Names in time files”, or correct it."
_ACTIVITIES = {
    word.casefold(): value
    for value, label in Activity.choices
    for word in (value, str(label))
}


class TimeLine(NamedTuple):
    """An entry with whom and what it is of."""

    entry: Entry
    work: Work
    contractor: int | None
    key: str

    @property
    def facts(self) -> tuple[Any, ...]:
        entry = self.entry
        return (self.work.pk, self.contractor, entry.day, entry.hours)


@dataclass
class TimeReport(RecordReport):
    """Also how many hours the accepted lines come to."""

    hours: Decimal = field(default_factory=Decimal)

    def figures(self) -> dict[str, Any]:
        return super().figures() | {"hours": str(self.hours)}

    def _sums(self) -> Iterator[str]:
        yield from super()._sums()
        yield f"The accepted lines come to {self.hours:,} hours."


class TimeEntries:
    name = "time"
    label = "Time: entries of a time tracker"
    fields: ClassVar[Sequence[Field]] = FIELDS
    options: ClassVar[Sequence[str]] = ("date_format", "decimal_comma", "engagement")
    permissions: ClassVar[Sequence[str]] = ()
    wants_all_rows = True
    report_type: ClassVar[type[Report]] = TimeReport

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        lacking = lacking_fields(mapping.by_field)
        told = {"person", "engagement"} & set(mapping.by_field)
        if not told and not options.get("engagement"):
            lacking.append("whose work it is (person or engagement)")
        if lacking:
            found = ", ".join(map(shown, mapping.columns))
            raise MappingError(
                f"No column tells {', nor '.join(lacking)}. Columns found: {found}. Say"
                " which it is, such as --map hours=“column”, or --engagement AUG-00012."
            )
        known_places(options.get("engagement") or "")

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        layout = layout_of(source.table.columns)
        report.reading = {**report.reading, "layout": layout.name}
        account = Account()
        places = known_places(options.get("engagement") or "")
        unit = unit_of(source.mapping.by_field.get("duration", ""), layout)
        zone = ZoneInfo(settings.TIME_ZONE)
        lines: list[TimeLine] = []
        seen: Counter[str] = Counter()
        for cells in each_line(
            source.table,
            source.mapping,
            account,
            date_fields=("day",),
            explicit_format=options.get("date_format") or "",
            latest=timezone.localdate(),
            on_progress=on_progress,
        ):
            if is_total(cells):
                account.read -= 1
                account.blank_lines += 1
                note = "names no day, person or project: taken for a total."
                account.notes.append(Note(cells.line.number, note))
                continue
            comma = bool(options.get("decimal_comma"))
            entry = read_entry(cells, zone, unit, decimal_comma=comma)
            place = None if entry is None else _place(cells, entry, places)
            if entry is None or place is None:
                continue
            plain = entry.key(layout.name, 0)
            seen[plain] += 1
            is_second = seen[plain] > 1
            if is_second and entry.source_id:
                cells.refuse("number", "stands in the file twice", "Keep one of them.")
                continue
            key = entry.key(layout.name, seen[plain] - 1)
            lines.append(TimeLine(entry, place[0], place[1], key))
        return TimeBatch(account, lines)


def _place(
    cells: Cells, entry: Entry, places: TimePlaces
) -> tuple[Work, int | None] | None:
    """Return the engagement and the person; what can't be told refuses the line."""
    person = _person(cells, entry, places)
    work = None if cells.has_failed else _work(cells, entry, person, places)
    if work is None or cells.has_failed:
        return None
    if not work.has_started:
        cells.refuse(
            "engagement",
            f"is {work.reference}, which is {work.status}",
            "Work is recorded on what has started.",
        )
    elif work.is_paid_by_time:
        _check_assignment(cells, entry, person, work)
        person = work.contractor
    return None if cells.has_failed else (work, person)


def _check_assignment(
    cells: Cells, entry: Entry, person: int | None, work: Work
) -> None:
    if person is not None and person != work.contractor:
        cells.refuse(
            "person",
            f"is not the person of {work.reference}",
            "Correct the person or the engagement.",
        )
    elif work.rated_from is None or entry.day < work.rated_from:
        cells.refuse(
            "day",
            f"is before {work.reference} has a rate",
            "Add a rate in force on that day first.",
        )


def _person(cells: Cells, entry: Entry, places: TimePlaces) -> int | None:
    if not entry.person:
        return None
    found = places.find_person(entry.person)
    if len(found) == 1:
        return next(iter(found))
    # For a whole file its engagement says whose work it is, whatever the nickname.
    if not found and places.of_file is not None:
        return None
    reason = "is the name of several contractors" if found else "is nobody we know"
    cells.refuse("person", reason, _GIVE_A_NAME)
    return None


def _work(
    cells: Cells, entry: Entry, person: int | None, places: TimePlaces
) -> Work | None:
    if places.of_file is not None:
        return places.of_file
    if entry.engagement:
        found = places.find_work(entry.engagement)
        if len(found) == 1:
            return places.works[next(iter(found))]
        reason = "is what several engagements are called" if found else "is unknown"
        cells.refuse("engagement", reason, _GIVE_A_NAME)
        return None
    if person is None:
        cells.refuse("person", "is blank, as is the engagement", "Give one of them.")
        return None
    works = places.works_of(person, entry.day)
    if len(works) != 1:
        told = "several assignments" if works else "no assignment"
        cells.refuse(
            "person", f"has {told} on that day", "Name the engagement in a column."
        )
        return None
    return works[0]


class TimeBatch:
    """The accepted entries of one file on their way to the work logs."""

    def __init__(self, account: Account, lines: list[TimeLine]) -> None:
        self.account = account
        self.lines = lines
        self.to_store: list[TimeLine] = []

    def plan(self, report: Report) -> None:
        recorded = _recorded(self.lines)
        sheets = _sheets(self.lines)
        problems: list[Problem] = list(self.account.problems)
        self.to_store = []
        already = 0
        accepted = Decimal(0)
        for line in self.lines:
            problem = _refusal(line, recorded, sheets)
            if problem is not None:
                problems.append(problem)
                continue
            accepted += line.entry.hours
            if line.key in recorded:
                already += 1
            else:
                self.to_store.append(line)
        report.problems = sorted(problems, key=lambda problem: problem.line)
        report.notes = self.account.all_notes()
        report.read = self.account.read
        report.blank_lines = self.account.blank_lines
        report.refused = len({problem.line for problem in problems})
        report.new = len(self.to_store)
        report.already_recorded = already
        if isinstance(report, TimeReport):
            report.hours = accepted

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        if not self.to_store:
            return
        try:
            log_work_lines(lines=[_work_log(one) for one in self.to_store], actor=actor)
        except TrackerError as refusal:
            # Such as a currency without a rate on one of the days.
            raise UnreadableFileError(str(refusal)) from refusal


def _work_log(line: TimeLine) -> WorkLog:
    entry = line.entry
    activity = _ACTIVITIES.get(entry.activity.casefold())
    words = entry.description
    if activity is None and entry.activity:
        words = f"{entry.activity}: {words}" if words else entry.activity
    return WorkLog(
        engagement_id=line.work.pk,
        contractor_id=line.contractor,
        worked_on=entry.day,
        hours=entry.hours,
        activity=activity or Activity.DELIVERY,
        is_overtime=entry.is_overtime,
        description=words[:300],
        source_key=line.key,
    )


def _refusal(
    line: TimeLine,
    recorded: Mapping[str, tuple[Any, ...]],
    sheets: Mapping[tuple[int, int | None], list[tuple[date, date]]],
) -> Problem | None:
    before = recorded.get(line.key)
    entry = line.entry
    if before is not None:
        if before == line.facts:
            return None
        return Problem(
            entry.number,
            "number",
            "was imported before with another day, person, engagement or hours",
            "Work logs stay as they are: leave the line out.",
        )
    for first, last in sheets.get((line.work.pk, line.contractor), []):
        if first <= entry.day <= last:
            return Problem(
                entry.number,
                "day",
                f"is in the timesheet from {first} to {last} of {line.work.reference}",
                "Enter the hours there, or leave the line out.",
            )
    return None


def _recorded(lines: Sequence[TimeLine]) -> dict[str, tuple[Any, ...]]:
    keys = [line.key for line in lines]
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        rows = WorkLog.objects.filter(source_key__in=keys[start : start + _AT_ONCE])
        for key, *facts in rows.values_list(
            "source_key", "engagement_id", "contractor_id", "worked_on", "hours"
        ):
            found[key or ""] = tuple(facts)
    return found


def _sheets(
    lines: Sequence[TimeLine],
) -> dict[tuple[int, int | None], list[tuple[date, date]]]:
    """Return the periods of sheets that the days may fall in."""
    if not lines:
        return {}
    days = [line.entry.day for line in lines]
    found: dict[tuple[int, int | None], list[tuple[date, date]]] = {}
    rows = Timesheet.objects.filter(starts_on__lte=max(days), ends_on__gte=min(days))
    for engagement, contractor, first, last in rows.values_list(
        "engagement_id", "contractor_id", "starts_on", "ends_on"
    ):
        found.setdefault((engagement, contractor), []).append((first, last))
    return found


register(TimeEntries())
