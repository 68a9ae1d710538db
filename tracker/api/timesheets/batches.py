"""Hours that a time tracker sends: checked line by line, then stored whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from engagements.choices import Kind
from engagements.models import Assignment, Engagement, RateTerm, User
from tracker.api import visibility
from tracker.api.errors import Unprocessable
from tracker.api.fields import Named
from tracker.api.timesheets.rows import KEY
from tracker.api.visibility import LOOKUPS
from tracker.spend.day_totals import DayTotals
from tracker.spend.models import Activity, Timesheet, WorkLog
from tracker.spend.services import log_work_lines
from tracker.spend.services.started import NEVER_STARTED

Line = Mapping[str, Any]
Errors = dict[str, list[str]]
Facts = tuple[int, int | None, date, Decimal]
# A stored entry: its id and what it says.
Kept = tuple[int, Facts]

_PLAIN = ("is_overtime", "is_out_of_hours", "is_core", "assigned_by", "description")


@dataclass(frozen=True)
class Known:
    """What is stored of all that the lines name, read at once."""

    engagements: Mapping[Named, Engagement]
    contractors: Mapping[Named, int]
    contractor_of: Mapping[int, int | None]
    rated_from: Mapping[int, date]
    sheets: Mapping[tuple[int, int | None], Sequence[tuple[date, date]]]
    recorded: Mapping[str, Kept]
    withdrawn: Mapping[str, Sequence[Kept]]

    def of(self, line: Line) -> Kept | None:
        """Return the entry that the line is, if it is stored, standing or not."""
        key = _key(line)
        if key in self.recorded:
            return self.recorded[key]
        facts = _facts(line, self)
        return next(
            (one for one in self.withdrawn.get(key, ()) if one[1] == facts), None
        )


@dataclass(frozen=True)
class Stored:
    created: list[WorkLog]
    unchanged: int
    # The ids of the entries, in the order of the lines.
    places: list[int]


def store_entries(*, lines: Sequence[Line], at: str, user: User) -> Stored:
    """Store the lines that aren't known by their source id already, all or none.

    `at` is where the lines stand in the body, for the pointers of a 422, which names
    every line that can't be.
    """
    known = _known(lines, user)
    given = Counter(line["source_id"] for line in lines)
    wrong: dict[str, Errors] = {}
    new: dict[int, WorkLog] = {}
    totals = _day_totals(lines, known)
    for place, line in enumerate(lines):
        errors = _errors(line, known, totals)
        if given[line["source_id"]] > 1:
            errors["source_id"] = ["It stands in this batch twice."]
        if errors:
            wrong[str(place)] = errors
        elif known.of(line) is None:
            new[place] = _work_log(line, known)
    if wrong:
        raise Unprocessable({at: wrong} if at else next(iter(wrong.values())))
    created = log_work_lines(lines=list(new.values()), actor=user) if new else []
    ids = dict(zip(new, (one.pk for one in created), strict=True))
    stored = {place: known.of(line) for place, line in enumerate(lines)}
    places = [kept[0] if kept else ids[place] for place, kept in stored.items()]
    return Stored(created, len(lines) - len(created), places)


def _errors(line: Line, known: Known, totals: DayTotals) -> Errors:
    engagement = known.engagements.get(line["engagement"])
    if engagement is None:
        return {"engagement": ["There is no such engagement that you can name."]}
    named = line.get("contractor")
    if named is not None and named not in known.contractors:
        return {"contractor": ["There is no such contractor that you can name."]}
    if engagement.status in NEVER_STARTED:
        return {"engagement": ["Work is recorded on what has started."]}
    before = known.of(line)
    if before is not None:
        if before[1] == _facts(line, known):
            return {}
        said = "It was recorded with another day, person, engagement or hours."
        return {"source_id": [said]}
    return _errors_of_day(line, engagement, known, totals)


def _errors_of_day(
    line: Line, engagement: Engagement, known: Known, totals: DayTotals
) -> Errors:
    day, person = line["worked_on"], _person(line, known)
    if line["hours"] == 0:
        return {"hours": ["Work takes more than 0 hours."]}
    if day > timezone.localdate():
        return {"worked_on": ["This day is yet to come."]}
    if out_of_force := _out_of_force(day, engagement):
        return out_of_force
    if engagement.kind == Kind.AUGMENTED:
        if person != known.contractor_of[engagement.pk]:
            return {"contractor": ["This is not the contractor of the engagement."]}
        if day < known.rated_from.get(engagement.pk, date.max):
            return {"worked_on": ["The engagement has no rate in force on this day."]}
    if person is not None and line["hours"] > 24:
        return {"hours": ["A person works at most 24 hours a day."]}
    if in_sheet := _in_sheet(engagement.pk, person, day, known):
        return in_sheet
    total = totals.add(person, day, line["hours"])
    if total is not None:
        said = f"The person's day would come to {total.normalize():f} hours."
        return {"hours": [said]}
    return {}


def _out_of_force(day: date, engagement: Engagement) -> Errors:
    if day < engagement.starts_on:
        said = f"The engagement starts on {engagement.starts_on}."
    elif engagement.ends_on is not None and day > engagement.ends_on:
        said = f"The engagement's last day is {engagement.ends_on}."
    else:
        return {}
    return {"worked_on": [said]}


def _in_sheet(engagement: int, person: int | None, day: date, known: Known) -> Errors:
    for first, last in known.sheets.get((engagement, person), ()):
        if first <= day <= last:
            said = f"It is in the timesheet from {first} to {last}: enter it there."
            return {"worked_on": [said]}
    return {}


def _day_totals(lines: Sequence[Line], known: Known) -> DayTotals:
    """Return the totals of the days that lines which aren't stored yet add to."""
    named = (
        line
        for line in lines
        if line["engagement"] in known.engagements
        and ("contractor" not in line or line["contractor"] in known.contractors)
    )
    new = (line for line in named if known.of(line) is None)
    days = ((_person(line, known), line["worked_on"]) for line in new)
    return DayTotals({(person, day) for person, day in days if person is not None})


def _person(line: Line, known: Known) -> int | None:
    if "contractor" in line:
        return known.contractors[line["contractor"]]
    return known.contractor_of.get(known.engagements[line["engagement"]].pk)


def _facts(line: Line, known: Known) -> Facts:
    engagement = known.engagements[line["engagement"]].pk
    return engagement, _person(line, known), line["worked_on"], line["hours"]


def _key(line: Line) -> str:
    return f"{KEY}{line['source_id']}"


def _work_log(line: Line, known: Known) -> WorkLog:
    engagement, contractor, day, hours = _facts(line, known)
    return WorkLog(
        engagement_id=engagement,
        contractor_id=contractor,
        worked_on=day,
        hours=hours,
        activity=line.get("activity", Activity.DELIVERY),
        source_key=_key(line),
        **{name: line[name] for name in _PLAIN if name in line},
    )


def _known(lines: Sequence[Line], user: User) -> Known:
    engagements = _named(lines, "engagement", visibility.engagements(user))
    contractors = _named(lines, "contractor", visibility.contractors(user))
    ids = [engagement.pk for engagement in engagements.values()]
    keys = [_key(line) for line in lines]
    days = [line["worked_on"] for line in lines]
    rates = RateTerm.objects.filter(assignment__in=ids).order_by("-starts_on")
    sheets: dict[tuple[int, int | None], list[tuple[date, date]]] = defaultdict(list)
    for engagement, contractor, first, last in Timesheet.objects.filter(
        engagement__in=ids, starts_on__lte=max(days), ends_on__gte=min(days)
    ).values_list("engagement_id", "contractor_id", "starts_on", "ends_on"):
        sheets[engagement, contractor].append((first, last))
    facts = ("pk", "engagement_id", "contractor_id", "worked_on", "hours")
    recorded = WorkLog.objects.filter(source_key__in=keys)
    withdrawn: dict[str, list[Kept]] = defaultdict(list)
    for key, pk, *said in (
        WorkLog.objects.filter(withdrawn_key__in=keys)
        .order_by("pk")
        .values_list("withdrawn_key", *facts)
    ):
        withdrawn[key or ""].append((pk, _said(said)))
    assignments = Assignment._default_manager.filter(pk__in=ids)
    return Known(
        engagements=engagements,
        contractors={name: one.pk for name, one in contractors.items()},
        contractor_of=dict(assignments.values_list(*("pk", "contractor_id"))),
        # The earliest comes last, and stays.
        rated_from=dict(rates.values_list("assignment_id", "starts_on")),
        sheets=sheets,
        recorded={
            key or "": (pk, _said(said))
            for key, pk, *said in recorded.values_list("source_key", *facts)
        },
        withdrawn=withdrawn,
    )


def _said(values: Sequence[Any]) -> Facts:
    engagement, contractor, day, hours = values
    return engagement, contractor, day, hours


def _named(lines: Sequence[Line], field: str, rows: Any) -> dict[Named, Any]:
    """Return the records that the lines name in the field, among the rows."""
    found: dict[Named, Any] = {}
    named = {line[field] for line in lines if field in line}
    for key in ("id", "external_id"):
        column = LOOKUPS[key]
        values = {name.value for name in named if name.key == key}
        if values:
            for record in rows.filter(**{f"{column}__in": values}):
                found[Named(key, getattr(record, column))] = record
    return found
