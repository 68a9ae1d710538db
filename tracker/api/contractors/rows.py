"""Contractors as the API answers them: three queries, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from engagements.choices import LIVE_STATUSES, Status
from engagements.models import Assignment, Contractor, User
from engagements.permissions import engagement_scope
from tracker.api import naming
from tracker.api.contractors.shapes import (
    ACTIVE,
    EMPLOYMENT_TYPES,
    INACTIVE,
    PENDING,
)
from tracker.api.engagements.rows import cost_splits
from tracker.api.pagination import Position
from tracker.api.resource import Row

COLUMNS = (
    *("updated_at", "id", "public_id", "external_id", "full_name", "work_email"),
    *("worker_number", "jurisdiction", "employment_type", "erased_at", "created_at"),
    *("vendor__public_id", "vendor__external_id", "vendor__legal_name"),
)
# As `Work` calls them.
WORK_FACTS = (
    *("pk", "status", "starts_on", "ends_on", "end_reason"),
    *("public_id", "external_id", "title", "reference", "role"),
)
WORK_COLUMNS = (
    *("contractor_id", *WORK_FACTS),
    *("manager__public_id", "manager__external_id"),
    *("manager__first_name", "manager__last_name", "manager__username"),
    *("department__public_id", "department__external_id"),
    *("department__name", "department__code"),
)


@dataclass(frozen=True)
class Work:
    """One augmented engagement of a contractor, on a day."""

    pk: int
    status: str
    starts_on: date
    ends_on: date | None
    end_reason: str
    public_id: Any
    external_id: str | None
    title: str
    reference: str
    role: str
    manager: Row | None
    department: Row | None
    standing: str

    @property
    def row(self) -> Row:
        return {
            "id": self.public_id,
            "external_id": self.external_id,
            "name": self.title,
            "reference": self.reference,
            "status": self.status,
            "start_date": self.starts_on,
            "end_date": self.ends_on,
        }


def contractor_rows(
    rows: QuerySet[Contractor, Any], *, user: User, today: date
) -> list[tuple[Position, Row]]:
    """Return what the API answers of each contractor, in the order of the rows.

    Engagements are those that the user may see.
    """
    found = list(rows.values_list(*COLUMNS))
    ids = [values[1] for values in found]
    works = works_of(ids, user=user, today=today)
    skills = _skills(ids)
    placed = {pk: placement(works[pk]) for pk in ids}
    splits = cost_splits([work.pk for work in placed.values() if work], today)
    return [
        (
            Position(values[0], values[1]),
            _row(values, works[values[1]], placed[values[1]], splits)
            | {"skills": skills[values[1]]},
        )
        for values in found
    ]


def works_of(
    ids: Sequence[int], *, user: User, today: date
) -> defaultdict[int, list[Work]]:
    """Return by contractor the engagements that weren't cancelled, first ones first."""
    rows = (
        Assignment.objects.filter(engagement_scope(user), contractor__in=ids)
        .exclude(status=Status.CANCELLED)
        .order_by("starts_on", "pk")
    )
    found: defaultdict[int, list[Work]] = defaultdict(list)
    for contractor, *values in rows.values_list(*WORK_COLUMNS):
        facts: Row = dict(zip(WORK_FACTS, values, strict=False))
        found[contractor].append(
            Work(
                **facts,
                manager=naming.person(values[10:15]),
                department=naming.record(values[15:]),
                standing=standing_of(facts["status"], facts["starts_on"], today),
            )
        )
    return found


def standing_of(status: str, starts_on: date, today: date) -> str:
    """Return what HR systems call an engagement's state on the day.

    Past its last day it stays active until a person ends it.
    """
    if status == Status.ACTIVE and starts_on <= today:
        return ACTIVE
    return PENDING if status in LIVE_STATUSES else INACTIVE


def placement(works: Sequence[Work]) -> Work | None:
    """Return the engagement that runs, else the next, else the last.

    Of several that run it is the one begun last.
    """
    for standing, wanted in ((ACTIVE, -1), (PENDING, 0)):
        if standing_works := [work for work in works if work.standing == standing]:
            return standing_works[wanted]
    return max(works, key=lambda work: work.ends_on or date.max, default=None)


def with_standing(
    rows: QuerySet[Contractor], standing: str, *, user: User, today: date
) -> QuerySet[Contractor]:
    """Keep contractors whom `contractor_rows` says to have this employment status."""
    works = Assignment.objects.filter(
        engagement_scope(user), contractor=OuterRef("pk"), status__in=LIVE_STATUSES
    )
    runs = Q(status=Status.ACTIVE, starts_on__lte=today)
    is_active, is_live = Exists(works.filter(runs)), Exists(works)
    match standing:
        case "ACTIVE":
            return rows.filter(is_active)
        case "PENDING":
            return rows.filter(~is_active, is_live)
    return rows.filter(~is_live)


def split_name(full_name: str) -> tuple[str | None, str | None]:
    """Return first and last name, parted at the last space; a guess, no more."""
    first, _space, last = full_name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last or None, None)


def _row(
    values: Sequence[Any],
    works: Sequence[Work],
    placed: Work | None,
    splits: dict[int, Row],
) -> Row:
    told = dict(zip(COLUMNS, values, strict=True))
    first_name, last_name = split_name(told["full_name"])
    return {
        "id": told["public_id"],
        "external_id": told["external_id"],
        "full_name": told["full_name"],
        "first_name": first_name,
        "last_name": last_name,
        "work_email": told["work_email"] or None,
        "worker_number": told["worker_number"] or None,
        "vendor": naming.record(values[-3:]),
        "jurisdiction": told["jurisdiction"],
        "employment_type": EMPLOYMENT_TYPES[told["employment_type"]],
        **_employment(works, placed, splits),
        "engagements": [work.row for work in works],
        "erased_at": told["erased_at"],
        "created_at": told["created_at"],
        "updated_at": told["updated_at"],
    }


def _employment(
    works: Sequence[Work], placed: Work | None, splits: dict[int, Row]
) -> Row:
    if placed is None:
        names = ("job_title", "manager", "department", "cost_center")
        dates = ("start_date", "end_date", "end_reason")
        return {"employment_status": INACTIVE} | dict.fromkeys((*names, *dates))
    ends = [work.ends_on for work in works]
    is_past = placed.standing == INACTIVE
    return {
        "employment_status": placed.standing,
        "job_title": placed.role or placed.title,
        "manager": placed.manager,
        "department": placed.department,
        "cost_center": largest_share(splits.get(placed.pk)),
        "start_date": works[0].starts_on,
        "end_date": None if None in ends else max(filter(None, ends)),
        "end_reason": (placed.end_reason or None) if is_past else None,
    }


def largest_share(split: Row | None) -> Row | None:
    if split is None:
        return None
    share = max(split["shares"], key=lambda share: float(share["percent"]))
    center: Row = share["cost_center"]
    return center


def _skills(ids: Sequence[int]) -> defaultdict[int, list[str]]:
    rows = Contractor.skills.through.objects.filter(contractor__in=ids)
    found: defaultdict[int, list[str]] = defaultdict(list)
    for contractor, name in rows.order_by("skill__name").values_list(
        "contractor_id", "skill__name"
    ):
        found[contractor].append(name)
    return found
