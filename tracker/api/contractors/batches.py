"""Contractors that an HR tool sends many at a time: checked line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from engagements.models import Contractor, User
from engagements.services.contractors import Told
from tracker.api import visibility
from tracker.api.contractors.skills import skills_by_name
from tracker.api.errors import Unprocessable
from tracker.api.fields import Named
from tracker.api.visibility import LOOKUPS

Line = Mapping[str, Any]
Errors = dict[str, list[str]]

_BLANK = ("work_email", "worker_number")


def checked_lines(lines: Sequence[Line], user: User) -> list[Told]:
    """Return what each line tells; raises 422 that names every line that is wrong."""
    vendors = _vendors(lines, user)
    skills = skills_by_name(name for line in lines for name in line.get("skills", ()))
    given = Counter(line["external_id"] for line in lines)
    hidden = _out_of_sight(given, user)
    told: list[Told] = []
    wrong: dict[str, Errors] = {}
    for place, line in enumerate(lines):
        errors = _errors(line, vendors)
        if given[line["external_id"]] > 1:
            errors["external_id"] = ["It stands in this batch twice."]
        if line["external_id"] in hidden:
            errors["external_id"] = ["It is taken by a record out of your sight."]
        unknown = [name for name in line.get("skills", ()) if name not in skills]
        if unknown:
            errors["skills"] = [f"There is no skill named {unknown[0]}."]
        if errors:
            wrong[str(place)] = errors
            continue
        facts = _facts(line) | {"vendor_id": vendors[line["vendor"]]}
        ids = None
        if "skills" in line:
            ids = frozenset(skills[name].pk for name in line["skills"])
        told.append(Told(line["external_id"], facts, ids))
    if wrong:
        raise Unprocessable({"contractors": wrong})
    return told


def _facts(line: Line) -> dict[str, Any]:
    facts = {
        name: value
        for name, value in line.items()
        if name not in ("external_id", "vendor", "skills")
    }
    for name in _BLANK:
        if name in facts and facts[name] is None:
            facts[name] = ""
    if "employment_type" in facts:
        facts["employment_type"] = facts["employment_type"].lower()
    return facts


def _errors(line: Line, vendors: Mapping[Named, int]) -> Errors:
    errors: Errors = {}
    if line["vendor"] not in vendors:
        errors["vendor"] = ["There is nothing of this name that you can name."]
    try:
        if line.get("work_email"):
            validate_email(line["work_email"])
    except ValidationError as refusal:
        errors["work_email"] = list(refusal.messages)
    return errors


def _vendors(lines: Sequence[Line], user: User) -> dict[Named, int]:
    """Return the ids of the vendors that the lines name and the user may."""
    found: dict[Named, int] = {}
    for key in ("id", "external_id"):
        named = {line["vendor"].value for line in lines if line["vendor"].key == key}
        if named:
            column = LOOKUPS[key]
            rows = visibility.vendors(user).filter(**{f"{column}__in": named})
            for value, pk in rows.values_list(column, "pk"):
                found[Named(key, value)] = pk
    return found


def _out_of_sight(external_ids: Collection[str], user: User) -> set[str | None]:
    known = Contractor.objects.filter(external_id__in=external_ids)
    hidden = known.exclude(pk__in=visibility.contractors(user).values("pk"))
    return set(hidden.values_list("external_id", flat=True))
