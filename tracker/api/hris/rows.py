"""From the API's own rows to those of Merge's model."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db.models import QuerySet

from engagements.models import Assignment, User
from tracker.api.contractors.rows import contractor_rows
from tracker.api.contractors.shapes import ACTIVE, EMPLOYMENT_TYPES, INACTIVE
from tracker.api.cost_centers import cost_center_rows
from tracker.api.departments import department_rows
from tracker.api.engagements.rows import PERIODS, rates_in_force
from tracker.api.hris.shapes import COST_CENTER, DEPARTMENT, Employee
from tracker.api.pagination import Position
from tracker.api.people import person_rows
from tracker.api.resource import Row
from tracker.api.timesheets.rows import time_entry_rows

Rows = QuerySet[Any, Any]
Placed = list[tuple[Position, Row]]

_OF_EMPLOYEE: Row = dict.fromkeys(Employee().fields)


def contractors_as_employees(rows: Rows, *, user: User, today: date) -> Placed:
    return [
        (position, _contractor(row))
        for position, row in contractor_rows(rows, user=user, today=today)
    ]


def people_as_employees(rows: Rows) -> Placed:
    return [(position, _person(row)) for position, row in person_rows(rows)]


def departments_as_groups(rows: Rows) -> Placed:
    return [
        (
            position,
            _stamps(row)
            | {
                "parent_group": _id_of(row["parent"]),
                "name": row["name"],
                "type": DEPARTMENT,
                "is_commonly_used_as_team": True,
            },
        )
        for position, row in department_rows(rows)
    ]


def cost_centers_as_groups(rows: Rows) -> Placed:
    return [
        (
            position,
            _stamps(row)
            | {
                "parent_group": _id_of(row["department"]),
                "name": row["name"],
                "type": COST_CENTER,
                "is_commonly_used_as_team": False,
            },
        )
        for position, row in cost_center_rows(rows)
    ]


def time_entries(rows: Rows) -> Placed:
    return [
        (
            position,
            _stamps(row)
            | {
                "employee": _id_of(row["contractor"]),
                "hours_worked": float(row["hours"]),
                "start_time": f"{row['worked_on']}T00:00:00Z",
                "end_time": None,
                "remote_was_deleted": row["withdrawn_at"] is not None,
            },
        )
        for position, row in time_entry_rows(rows)
    ]


def employments(rows: QuerySet[Assignment], *, paid: Rows, today: date) -> Placed:
    """Return an employment for each engagement, with pay for those among `paid`."""
    found = list(
        rows.values_list(
            *("updated_at", "pk", "public_id", "external_id", "created_at"),
            *("contractor__public_id", "contractor__employment_type"),
            *("role", "title", "starts_on", "currency"),
        )
    )
    ids = paid.filter(pk__in=[values[1] for values in found])
    rates = _rates(ids.values_list("pk", flat=True), today)
    return [
        (
            Position(updated_at, pk),
            {
                "id": public_id,
                "remote_id": external_id,
                "created_at": created_at,
                "modified_at": updated_at,
                "remote_was_deleted": False,
                "employee": contractor,
                "job_title": role or title,
                "pay_frequency": None,
                "pay_group": None,
                "flsa_status": None,
                "employment_type": EMPLOYMENT_TYPES[employment_type],
                "effective_date": starts_on,
                **_pay(rates.get(pk), currency),
            },
        )
        for (
            updated_at,
            pk,
            public_id,
            external_id,
            created_at,
            contractor,
            employment_type,
            role,
            title,
            starts_on,
            currency,
        ) in found
    ]


def _rates(ids: Collection[int], today: date) -> dict[int, Any]:
    found = list(ids)
    return dict(rates_in_force(found, today)) if found else {}


def _pay(rate: Any, currency: str) -> Row:
    if rate is None:
        return {"pay_rate": None, "pay_period": None, "pay_currency": None}
    starts_on, amount, unit, *_rest = rate
    return {
        # A JSON number, as the model has it; exact to fifteen digits.
        "pay_rate": float(amount),
        "pay_period": PERIODS[unit],
        "pay_currency": currency,
        "effective_date": starts_on,
    }


def _contractor(row: Row) -> Row:
    has_left = row["employment_status"] == INACTIVE
    groups = (row["department"], row["cost_center"])
    return (
        _OF_EMPLOYEE
        | _stamps(row)
        | {
            "employee_number": row["worker_number"],
            "company": row["vendor"]["name"],
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "display_full_name": row["full_name"],
            "groups": [group["id"] for group in groups if group],
            "work_email": row["work_email"],
            "employments": [work["id"] for work in row["engagements"]],
            "manager": _id_of(row["manager"]),
            "hire_date": row["start_date"],
            "start_date": row["start_date"],
            "employment_status": row["employment_status"],
            "termination_date": row["end_date"] if has_left else None,
        }
    )


def _person(row: Row) -> Row:
    return (
        _OF_EMPLOYEE
        | _stamps(row)
        | {
            "employee_number": row["employee_number"],
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "display_full_name": row["name"],
            "groups": [row["department"]["id"]] if row["department"] else [],
            "work_email": row["work_email"],
            "employments": [],
            "manager": _id_of(row["manager"]),
            "employment_status": ACTIVE if row["is_active"] else INACTIVE,
        }
    )


def _stamps(row: Row) -> Row:
    return {
        "id": row["id"],
        "remote_id": row["external_id"],
        "created_at": row["created_at"],
        "modified_at": row["updated_at"],
        "remote_was_deleted": False,
    }


def _id_of(record: Row | None) -> Any:
    return None if record is None else record["id"]
