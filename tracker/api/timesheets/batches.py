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
from tracker.spend.models import Activity, Timesheet, WorkLog
from tracker.spend.services import log_work_lines
from tracker.spend.services.started import NEVER_STARTED

Line = Mapping[str, Any]
Errors = dict[str, list[str]]
Facts = tuple[int, int | None, date, Decimal]

_PLAIN = ("is_overtime", "is_out_of_hours", "is_core", "assigned_by", "description")


@dataclass(frozen=True)
class Known:
    """What is stored of all that the lines name, read at once."""

    engagements: Mapping[Named, Engagement]
    contractors: Mapping[Named, int]
    contractor_of: Mapping[int, int | None]
    rated_from: Mapping[int, date]
    sheets: Mapping[tuple[int, int | None], Sequence[tuple[date, date]]]
    recorded: Mapping[str | None, Facts]


@dataclass(frozen=True)
class Stored:
    created: list[WorkLog]
    unchanged: int


def store_entries(*, lines: Sequence[Line], at: str, user: User) -> Stored:
    """Store the lines that aren't known by their source id already, all or none.

    `at` is where the lines stand in the body, for the pointers of a 422, which names
    every line that can't be.
    """
    known = _known(lines, user)
    given = Counter(line["source_id"] for line in lines)
    wrong: dict[str, Errors] = {}
    new: list[WorkLog] = []
    for place, line in enumerate(lines):
        errors = _errors(line, known)
        if given[line["source_id"]] > 1:
            errors["source_id"] = ["It stands in this batch twice."]
        if errors:
            wrong[str(place)] = errors
        elif _key(line) not in known.recorded:
            new.append(_work_log(line, known))
    if wrong:
        raise Unprocessable({at: wrong} if at else next(iter(wrong.values())))
    created = log_work_lines(lines=new, actor=user) if new else []
    return Stored(created, len(lines) - len(created))


def _errors(line: Line, known: Known) -> Errors:
    engagement = known.engagements.get(line["engagement"])
    if engagement is None:
        return {"engagement": ["There is no such engagement that you can name."]}
    named = line.get("contractor")
    if named is not None and named not in known.contractors:
        return {"contractor": ["There is no such contractor that you can name."]}
    if engagement.status in NEVER_STARTED:
        return {"engagement": ["Work is recorded on what has started."]}
    before = known.recorded.get(_key(line))
    if before is not None:
        if before == _facts(line, known):
            return {}
        said = "It was recorded with another day, person, engagement or hours."
        return {"source_id": [said]}
    return _errors_of_day(line, engagement, known)


def _errors_of_day(line: Line, engagement: Engagement, known: Known) -> Errors:
    day, person = line["worked_on"], _person(line, known)
    if line["hours"] == 0:
        return {"hours": ["Work takes more than 0 hours."]}
    if day > timezone.localdate():
        return {"worked_on": ["This day is yet to come."]}
    if engagement.kind == Kind.AUGMENTED:
        if person != known.contractor_of[engagement.pk]:
            return {"contractor": ["This is not the contractor of the engagement."]}
        if day < known.rated_from.get(engagement.pk, date.max):
            return {"worked_on": ["The engagement has no rate in force on this day."]}
    if person is not None and line["hours"] > 24:
        return {"hours": ["A person works at most 24 hours a day."]}
    for first, last in known.sheets.get((engagement.pk, person), ()):
        if first <= day <= last:
            said = f"It is in the timesheet from {first} to {last}: enter it there."
            return {"worked_on": [said]}
    return {}


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
    recorded = WorkLog.objects.filter(source_key__in=keys).values_list(
        "source_key", "engagement_id", "contractor_id", "worked_on", "hours"
    )
    assignments = Assignment._default_manager.filter(pk__in=ids)
    return Known(
        engagements=engagements,
        contractors={name: one.pk for name, one in contractors.items()},
        contractor_of=dict(assignments.values_list(*("pk", "contractor_id"))),
        # The earliest comes last, and stays.
        rated_from=dict(rates.values_list("assignment_id", "starts_on")),
        sheets=sheets,
        recorded={key: tuple(facts) for key, *facts in recorded},
    )


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
