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
from functools import partial
from itertools import count
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
from tracker.imports.time_keys import Facts, Keys, Recorded, Untold, keys_of
from tracker.imports.time_places import TimePlaces, Work, known_places
from tracker.spend.day_totals import DayTotals
from tracker.spend.models import Activity, Timesheet, WorkLog
from tracker.spend.services import log_work_lines

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
    keys: Keys

    @property
    def facts(self) -> Facts:
        entry = self.entry
        return Facts(
            self.work.pk, self.contractor, entry.day, entry.hours, entry.is_overtime
        )


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
        seen: Counter[Keys] = Counter()
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
            work, person = place
            keys = partial(
                keys_of,
                entry,
                layout.name,
                person=entry.person or (f"#{person}" if person else ""),
                project=entry.engagement or work.reference,
            )
            plain = keys(occurrence=0)
            identity = plain._replace(said="") if entry.source_id else plain
            if seen[identity] and entry.source_id:
                cells.refuse("number", "stands in the file twice", "Keep one of them.")
                continue
            lines.append(TimeLine(entry, work, person, keys(occurrence=seen[identity])))
            seen[identity] += 1
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
    elif not work.is_in_force(entry.day):
        cells.refuse(
            "day",
            f"is outside of {work.reference}, {work.span}",
            "Correct the day, or extend the engagement if the work was agreed.",
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
        self.to_store: list[tuple[TimeLine, str]] = []

    def plan(self, report: Report) -> None:
        sorted_out = _Sorting(self.lines)
        problems = [*self.account.problems, *sorted_out.problems]
        self.to_store = sorted_out.to_store
        report.problems = sorted(problems, key=lambda problem: problem.line)
        report.notes = self.account.all_notes()
        report.read = self.account.read
        report.blank_lines = self.account.blank_lines
        report.refused = len({problem.line for problem in problems})
        report.new = len(self.to_store)
        report.already_recorded = len(sorted_out.known)
        if isinstance(report, TimeReport):
            accepted = [*sorted_out.known, *(line for line, _key in self.to_store)]
            report.hours = sum((line.entry.hours for line in accepted), Decimal(0))

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        if not self.to_store:
            return
        try:
            log_work_lines(
                lines=[_work_log(line, key) for line, key in self.to_store],
                actor=actor,
            )
        except TrackerError as refusal:
            # Such as a currency without a rate on one of the days.
            raise UnreadableFileError(str(refusal)) from refusal


def _work_log(line: TimeLine, key: str) -> WorkLog:
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
        source_key=key,
    )


class _Sorting:
    """The lines of a file by what becomes of them: known, to be stored, or refused."""

    def __init__(self, lines: Sequence[TimeLine]) -> None:
        self.known: list[TimeLine] = []
        self.to_store: list[tuple[TimeLine, str]] = []
        self.problems: list[Problem] = []
        self._recorded = Recorded([line.keys for line in lines])
        self._sheets = _sheets(lines)
        self._untold = _untold(lines)
        self._totals = DayTotals(
            {
                (line.contractor, line.entry.day)
                for line in lines
                if line.contractor is not None
            }
        )
        by_stem: dict[str, list[TimeLine]] = {}
        for line in lines:
            if not self._is_known_as_said(line):
                by_stem.setdefault(line.keys.numbered(0), []).append(line)
        for group in by_stem.values():
            self._sort(group)

    def _is_known_as_said(self, line: TimeLine) -> bool:
        said = line.keys.said
        before = self._recorded.standing(said)
        if line.facts in [before, *self._recorded.withdrawn(said)]:
            self.known.append(line)
        elif before is not None:
            self._refuse(line, *_CHANGED)
        else:
            return False
        return True

    def _sort(self, lines: Sequence[TimeLine]) -> None:
        """Sort the lines that share a stem: each stored one is told of by one line."""
        stored = self._recorded.keys_of_stem(lines[0].keys)
        standing = {key: self._recorded.standing(key) for key in stored}
        left = [facts for facts in standing.values() if facts is not None]
        # What was withdrawn stays so, however often a file tells of it.
        gone = [facts for key in stored for facts in self._recorded.withdrawn(key)]
        others = []
        for line in lines:
            if line.facts in left:
                left.remove(line.facts)
                self.known.append(line)
            elif line.facts in gone:
                gone.remove(line.facts)
                self.known.append(line)
            else:
                others.append(line)
        numbered = map(lines[0].keys.numbered, count())
        free = (key for key in numbered if standing.get(key) is None)
        for line in others:
            if left:
                left.pop()
                self._refuse(line, *_CHANGED)
            elif self._can_be_stored(line):
                self.to_store.append((line, next(free)))

    def _can_be_stored(self, line: TimeLine) -> bool:
        hours = self._untold.hours_of(line.facts) if line.keys.said else None
        if hours is not None:
            self._refuse(
                line,
                "day",
                f"has an entry of {hours.normalize():f} hours, imported before, that"
                " the file doesn't tell of: this line may be it, changed since",
                "Export the whole day; withdraw the work log of what changed.",
            )
            return False
        for first, last in self._sheets.get((line.work.pk, line.contractor), []):
            if first <= line.entry.day <= last:
                self._refuse(
                    line,
                    "day",
                    f"is in the timesheet from {first} to {last} of"
                    f" {line.work.reference}",
                    "Enter the hours there, or leave the line out.",
                )
                return False
        total = self._totals.add(line.contractor, line.entry.day, line.entry.hours)
        if total is not None:
            self._refuse(
                line,
                "duration",
                f"brings the person's day to {total.normalize():f} hours, more than 24",
                "Correct it, or what is recorded of that day on other engagements.",
            )
            return False
        return True

    def _refuse(self, line: TimeLine, column: str, reason: str, advice: str) -> None:
        self.problems.append(Problem(line.entry.number, column, reason, advice))


_CHANGED = (
    "number",
    "was imported before with another day, person, engagement, hours or overtime",
    "Withdraw the work log first, or leave the line out.",
)


def _untold(lines: Sequence[TimeLine]) -> Untold:
    asked = [line for line in lines if line.keys.said and line.contractor is not None]
    tool = asked[0].keys.tool if asked else ""
    said = {line.keys.said for line in asked}
    return Untold(tool, said, {line.facts for line in asked})


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
