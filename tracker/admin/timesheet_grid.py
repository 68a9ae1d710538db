"""A timesheet as a grid: a row for each kind of work, a column for each day.

What a person typed is kept until it can be read: a wrong cell is shown again with its
reason. The names of the inputs are `row-<number>-<field or day>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.inputs import plain_number
from tracker.imports.parsing import Unreadable, parse_words
from tracker.spend.models import Activity, AssignedBy, Timesheet, WorkLog
from tracker.spend.timesheet_periods import Period

# A page of ours never sends more.
MOST_ROWS = 40
_HOURS = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,2}))?")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])")
_TOLD = {"": None, "yes": True, "no": False}
_WORDS = {None: "", True: "yes", False: "no"}


def read_hours(text: str) -> Decimal | None:
    """Return the hours of 7.5, 7,5 or 7:30; None for a blank cell.

    Raises ValueError for anything else.
    """
    text = text.strip()
    if not text:
        return None
    if clock := _CLOCK.fullmatch(text):
        hours, minutes = map(int, clock.groups())
        return (hours + Decimal(minutes) / 60).quantize(Decimal("0.01"))
    if _HOURS.fullmatch(text):
        try:
            return Decimal(text.replace(",", "."))
        except InvalidOperation as error:  # pragma: no cover - the pattern holds it
            raise ValueError(text) from error
    raise ValueError(text)


@dataclass(frozen=True)
class Work:
    """What the hours of one row are: every field of a line but day and hours."""

    activity: str = Activity.DELIVERY.value
    skill: str = ""
    assigned_by: str = ""
    is_core: str = ""
    is_out_of_hours: str = ""
    is_overtime: bool = False
    description: str = ""

    @classmethod
    def of(cls, line: WorkLog) -> Work:
        return cls(
            line.activity,
            str(line.skill_id or ""),
            line.assigned_by,
            _WORDS[line.is_core],
            _WORDS[line.is_out_of_hours],
            line.is_overtime,
            line.description,
        )

    @classmethod
    def posted(cls, given: Mapping[str, str]) -> Work:
        return cls(
            given.get("activity", ""),
            given.get("skill", ""),
            given.get("assigned_by", ""),
            given.get("is_core", ""),
            given.get("is_out_of_hours", ""),
            "is_overtime" in given,
            given.get("description", "").strip(),
        )

    def line(self, day: date, hours: Decimal) -> WorkLog:
        return WorkLog(
            worked_on=day,
            hours=hours,
            activity=self.activity,
            skill_id=int(self.skill) if self.skill else None,
            assigned_by=self.assigned_by,
            is_core=_TOLD[self.is_core],
            is_out_of_hours=_TOLD[self.is_out_of_hours],
            is_overtime=self.is_overtime,
            description=self.description,
        )


@dataclass
class Row:
    number: int | str
    work: Work
    cells: dict[date, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    wrong: set[date] = field(default_factory=set)
    skill_name: str = ""

    @property
    def title(self) -> str:
        return str(dict(Activity.choices).get(self.work.activity, self.work.activity))

    @property
    def told(self) -> str:
        """Return who assigned the work and what else tells which model fits."""
        work = self.work
        words = [
            str(dict(AssignedBy.choices).get(work.assigned_by, "")),
            {"yes": _("core"), "no": _("not core")}.get(work.is_core, ""),
            {"yes": _("out of hours"), "no": _("in normal hours")}.get(
                work.is_out_of_hours, ""
            ),
            _("overtime") if work.is_overtime else "",
        ]
        return " · ".join(word for word in words if word)

    @property
    def note(self) -> str:
        """Return all else that is recorded of the work, in words."""
        words = [self.skill_name, self.told, self.work.description]
        return " · ".join(word for word in words if word)

    @property
    def is_blank(self) -> bool:
        return not any(self.cells.values())


@dataclass(frozen=True)
class Cell:
    """One input: its name, its day, and what stands in it."""

    name: str
    day: date
    text: str
    label: str
    is_weekend: bool
    is_wrong: bool


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


class Grid:
    """The rows of a sheet as stored, or as typed; `lines` is what they come to."""

    def __init__(
        self, sheet: Timesheet, rows: Sequence[Row], skills: Sequence[Choice]
    ) -> None:
        self.sheet = sheet
        self.rows = list(rows)
        self.skills = skills
        self.days = Period(sheet.starts_on, sheet.ends_on).days
        names = {skill.value: skill.label for skill in skills}
        for row in self.rows:
            row.skill_name = names.get(row.work.skill, "")

    @classmethod
    def of(cls, sheet: Timesheet, skills: Sequence[Choice]) -> Grid:
        return cls(sheet, _rows(sheet.lines.all()) or _rows_of_last(sheet), skills)

    @classmethod
    def posted(
        cls, sheet: Timesheet, data: Mapping[str, Any], skills: Sequence[Choice]
    ) -> Grid:
        given: dict[int, dict[str, str]] = {}
        for name, value in data.items():
            _row, _dash, rest = name.partition("row-")
            number, dash, what = rest.partition("-")
            if not _row and dash and number.isdecimal() and len(number) < 4:
                given.setdefault(int(number), {})[what] = str(value)
        return cls(
            sheet,
            [
                Row(number, Work.posted(fields), _cells(sheet, fields))
                for number, fields in sorted(given.items())
            ][:MOST_ROWS],
            skills,
        )

    def lines(self) -> list[WorkLog]:
        """Return the lines of the rows; what can't be read is noted on its row."""
        found: dict[tuple[Work, date], Decimal] = {}
        for row in self.rows:
            if row.is_blank or not self._is_known(row):
                continue
            for day, text in row.cells.items():
                hours = self._hours(row, day, text)
                if hours is not None:
                    key = (row.work, day)
                    found[key] = found.get(key, Decimal(0)) + hours
        return [work.line(day, hours) for (work, day), hours in found.items()]

    @property
    def errors(self) -> list[str]:
        return [text for row in self.rows for text in row.errors]

    @property
    def blank_table(self) -> list[tuple[Row, list[Cell], str]]:
        """The row that a script copies for each one added; its number is no number."""
        blank = Row("new", Work())
        return [(blank, self.cells(blank), "")]

    @property
    def shown_rows(self) -> list[Row]:
        return self.rows or [Row(0, Work())]

    def cells(self, row: Row) -> list[Cell]:
        return [
            Cell(
                f"row-{row.number}-{day.isoformat()}",
                day,
                row.cells.get(day, ""),
                date_format(day, "D j M"),
                day.weekday() >= 5,
                day in row.wrong,
            )
            for day in self.days
        ]

    @property
    def table(self) -> list[tuple[Row, list[Cell], str]]:
        return [
            (row, self.cells(row), _total(row.cells.values()))
            for row in self.shown_rows
        ]

    @property
    def heads(self) -> list[tuple[date, str]]:
        """Each day with its total."""
        return [
            (day, _total(row.cells.get(day, "") for row in self.rows))
            for day in self.days
        ]

    @property
    def total(self) -> str:
        return _total(text for row in self.rows for text in row.cells.values())

    @property
    def activities(self) -> list[Choice]:
        return _choices(Activity.choices)

    @property
    def assigners(self) -> list[Choice]:
        unknown = Choice("", _("Assigned by: not recorded"))
        return [unknown, *_choices(AssignedBy.choices)]

    @property
    def core_choices(self) -> list[Choice]:
        return _yes_or_no(_("Core: not recorded"), _("Core"), _("Not core"))

    @property
    def out_of_hours_choices(self) -> list[Choice]:
        return _yes_or_no(
            _("Hours: not recorded"), _("Out of hours"), _("In normal hours")
        )

    def _is_known(self, row: Row) -> bool:
        work = row.work
        known = (
            work.activity in Activity.values,
            work.skill in {"", *(skill.value for skill in self.skills)},
            work.assigned_by in {"", *AssignedBy.values},
            work.is_core in _TOLD,
            work.is_out_of_hours in _TOLD,
        )
        if not all(known):
            row.errors.append(_("Choose from the lists what kind of work it was."))
        try:
            parse_words(work.description, longest=300)
        except Unreadable as finding:
            row.errors.append(
                _("The description %(reason)s. %(advice)s")
                % {"reason": finding.reason, "advice": finding.advice}
            )
        return not row.errors

    def _hours(self, row: Row, day: date, text: str) -> Decimal | None:
        try:
            hours = read_hours(text)
        except ValueError:
            row.wrong.add(day)
            row.errors.append(
                _("%(day)s: “%(text)s” is no number of hours, such as 7.5 or 7:30.")
                % {"day": date_format(day, "D j M"), "text": text[:20]}
            )
            return None
        if hours is not None and hours > 24:
            row.wrong.add(day)
            row.errors.append(
                _("%(day)s: a day has 24 hours.") % {"day": date_format(day, "D j M")}
            )
            return None
        return hours


def _choices(choices: Iterable[tuple[str, Any]]) -> list[Choice]:
    return [Choice(value, str(label)) for value, label in choices]


def _yes_or_no(unknown: str, yes: str, no: str) -> list[Choice]:
    return [Choice("", unknown), Choice("yes", yes), Choice("no", no)]


def _cells(sheet: Timesheet, fields: Mapping[str, str]) -> dict[date, str]:
    days = Period(sheet.starts_on, sheet.ends_on).days
    return {day: fields.get(day.isoformat(), "").strip()[:20] for day in days}


def _rows(lines: Iterable[WorkLog]) -> list[Row]:
    by_work: dict[Work, dict[date, Decimal]] = {}
    for line in lines:
        cells = by_work.setdefault(Work.of(line), {})
        cells[line.worked_on] = cells.get(line.worked_on, Decimal(0)) + line.hours
    return [
        Row(number, work, {day: plain_number(hours) for day, hours in cells.items()})
        for number, (work, cells) in enumerate(by_work.items())
    ]


def _rows_of_last(sheet: Timesheet) -> list[Row]:
    """Return the kinds of work of the sheet before, without its hours."""
    last = (
        Timesheet.objects.filter(
            engagement=sheet.engagement_id,
            contractor=sheet.contractor_id,
            starts_on__lt=sheet.starts_on,
        )
        .order_by("-starts_on")
        .first()
    )
    rows = _rows(last.lines.all()) if last and sheet.is_open else []
    return [Row(row.number, row.work) for row in rows]


def _total(texts: Iterable[str]) -> str:
    """Return the sum of what can be read; blank where nothing is entered."""
    found = []
    for text in texts:
        try:
            hours = read_hours(text)
        except ValueError:
            continue
        if hours is not None:
            found.append(hours)
    return plain_number(sum(found, Decimal(0))) if found else ""
