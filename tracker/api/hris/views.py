"""Contingent workers for tools that speak Merge's HRIS model; to read only."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Status
from engagements.models import Assignment, Engagement
from engagements.permissions import engagement_scope
from tracker.api import visibility
from tracker.api.fields import StrictShape
from tracker.api.hris.rows import (
    contractors_as_employees,
    cost_centers_as_groups,
    departments_as_groups,
    employments,
    people_as_employees,
    time_entries,
)
from tracker.api.hris.shapes import (
    Employee,
    EmployeePage,
    Employment,
    EmploymentPage,
    Group,
    GroupPage,
    HrisQuery,
    HrisTimesheetEntryPage,
    OfEmployeeQuery,
    TimesheetEntry,
)
from tracker.api.hris.walking import Source, read_cursor, walk, write_cursor
from tracker.api.pagination import PAGE_SIZE, name_query
from tracker.api.parts import money_scope, reader
from tracker.api.permissions import caller, has_scope
from tracker.api.resource import Resource, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.api.timesheets.rows import changed_entries, standing_entries
from tracker.spend.models import WorkLog

Query = Mapping[str, Any]
# What tools send by habit and what says which page: neither narrows the rows.
_PAGING = ("cursor", "page_size")
_HABITS = ("include_deleted_data", "include_remote_data", "include_shell_data")

log = logging.getLogger(__name__)


class HrisView(Resource):
    """A list in Merge's shape, and one of its records."""

    http_method_names = ("get", "head")
    write_permissions: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[dict[str, str]] = {}

    def sources(self, request: Request) -> list[Source]:
        """Return all that the caller may see."""
        raise NotImplementedError

    def narrowed(self, source: Source, query: Query) -> Source:
        """Return what the filters leave of the source."""
        rows = source.rows
        if "remote_id" in query:
            rows = rows.filter(external_id=query["remote_id"])
        if since := query.get("modified_after"):
            rows = rows.filter(updated_at__gte=since)
        return Source(rows, source.represent, source.moment)

    def listed(self, request: Request, shape: type[StrictShape]) -> Response:
        query = read_query(request, shape)
        filters = {
            name: value
            for name, value in query.items()
            if name not in (*_PAGING, *_HABITS)
        }
        name = name_query(f"hris {type(self).__name__}", filters)
        found = walk(
            [self.narrowed(source, query) for source in self.sources(request)],
            read_cursor(query.get("cursor"), query=name),
            size=query.get("page_size", PAGE_SIZE),
            by_change="modified_after" in query,
        )
        return respond(
            request,
            {
                "next": write_cursor(found.next, query=name),
                "previous": write_cursor(found.previous, query=name),
                "results": found.rows,
            },
        )

    def read_one(self, request: Request, id: UUID) -> Response:
        for source in self.sources(request):
            for _position, row in source.represent(source.rows.filter(public_id=id)):
                return respond(request, row)
        raise Http404


class EmployeeView(HrisView):
    noun = "contractors"
    read_permissions = ("engagements.view_contractor",)

    def sources(self, request: Request) -> list[Source]:
        user = caller(request)
        workers = partial(
            contractors_as_employees, user=user, today=timezone.localdate()
        )
        found = [Source(visibility.contractors(user), workers)]
        may_read = user.has_perm("engagements.view_user")
        if may_read and has_scope(request, "people:read"):
            found.append(Source(visibility.people_told(user), people_as_employees))
        return found

    @extend_schema(
        operation_id="list_hris_employees",
        parameters=[HrisQuery, IF_NONE_MATCH],
        responses=one(EmployeePage),
    )
    def list(self, request: Request) -> Response:
        """List contingent workers and, with people:read, our own people."""
        return self.listed(request, HrisQuery)

    @extend_schema(
        operation_id="read_hris_employee",
        parameters=[IF_NONE_MATCH],
        responses=Employee,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an employee."""
        return self.read_one(request, id)


class EmploymentView(HrisView):
    noun = "contractors"
    read_permissions = ("engagements.view_contractor",)

    def sources(self, request: Request) -> list[Source]:
        rows = Assignment.objects.filter(
            engagement_scope(caller(request)), contractor__isnull=False
        ).exclude(status=Status.CANCELLED)
        paid = Engagement.objects.none()
        if has_scope(request, "rates:read"):
            paid = Engagement.objects.filter(money_scope(request))
            log.info("%s read rates of employments", reader(request))
        told = partial(employments, paid=paid, today=timezone.localdate())
        return [Source(rows, told)]

    def narrowed(self, source: Source, query: Query) -> Source:
        found = super().narrowed(source, query)
        return _of_employee(found, query)

    @extend_schema(
        operation_id="list_hris_employments",
        parameters=[OfEmployeeQuery, IF_NONE_MATCH],
        responses=one(EmploymentPage),
    )
    def list(self, request: Request) -> Response:
        """List augmented engagements; with rates:read, with the pay in force."""
        return self.listed(request, OfEmployeeQuery)

    @extend_schema(
        operation_id="read_hris_employment",
        parameters=[IF_NONE_MATCH],
        responses=Employment,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read an employment."""
        return self.read_one(request, id)


class TimesheetEntryView(HrisView):
    noun = "timesheets"
    read_permissions = ("engagements.view_engagement",)

    def sources(self, request: Request) -> list[Source]:
        return [Source(WorkLog.objects.visible_to(caller(request)), time_entries)]

    def narrowed(self, source: Source, query: Query) -> Source:
        rows = source.rows
        if "remote_id" in query:
            rows = rows.filter(source_key=f"api:{query['remote_id']}")
        found = Source(standing_entries(rows), source.represent)
        if since := query.get("modified_after"):
            found = Source(changed_entries(rows, since), time_entries, "changed_at")
        return _of_employee(found, query)

    @extend_schema(
        operation_id="list_hris_timesheet_entries",
        parameters=[OfEmployeeQuery, IF_NONE_MATCH],
        responses=one(HrisTimesheetEntryPage),
    )
    def list(self, request: Request) -> Response:
        """List hours worked, by day."""
        return self.listed(request, OfEmployeeQuery)

    @extend_schema(
        operation_id="read_hris_timesheet_entry",
        parameters=[IF_NONE_MATCH],
        responses=TimesheetEntry,
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read the hours of a day."""
        return self.read_one(request, id)


class GroupView(HrisView):
    noun = "departments"
    read_permissions = ("engagements.view_department",)

    def sources(self, request: Request) -> list[Source]:
        user = caller(request)
        found = [Source(visibility.departments(user), departments_as_groups)]
        may_read = user.has_perm("engagements.view_costcentre")
        if may_read and has_scope(request, "cost-centers:read"):
            centres = visibility.cost_centres_told(user)
            found.append(Source(centres, cost_centers_as_groups))
        return found

    @extend_schema(
        operation_id="list_hris_groups",
        parameters=[HrisQuery, IF_NONE_MATCH],
        responses=one(GroupPage),
    )
    def list(self, request: Request) -> Response:
        """List departments and, with cost-centers:read, cost centers."""
        return self.listed(request, HrisQuery)

    @extend_schema(
        operation_id="read_hris_group", parameters=[IF_NONE_MATCH], responses=Group
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Read a group."""
        return self.read_one(request, id)


def _of_employee(source: Source, query: Query) -> Source:
    if "employee_id" not in query:
        return source
    rows = source.rows.filter(contractor__public_id=query["employee_id"])
    return Source(rows, source.represent, source.moment)
