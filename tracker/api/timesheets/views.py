from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.models import User
from tracker.api.pagination import Position, changed_after
from tracker.api.permissions import caller
from tracker.api.records import ReadResource, Rows, Shapes, described
from tracker.api.resource import Row, once_more, read_body, respond
from tracker.api.timesheets.batches import store_entries
from tracker.api.timesheets.rows import (
    changed_entries,
    standing_entries,
    time_entry_rows,
)
from tracker.api.timesheets.shapes import (
    TimeEntriesStored,
    TimeEntryBatch,
    TimeEntryBody,
    TimeEntryPage,
    TimeEntryQuery,
    TimeEntryRecord,
    Withdrawal,
)
from tracker.spend.models import WorkLog
from tracker.spend.services import withdraw_work

SHAPES = Shapes(TimeEntryRecord, TimeEntryPage, TimeEntryQuery)


@described("timesheet_entry", "timesheet_entries", SHAPES)
class TimesheetEntryViewSet(ReadResource):
    noun = "timesheets"
    # Hours are no money, and are read by key with the scope alone, as reviews are.
    read_permissions = ("engagements.view_engagement",)
    write_permissions = ("tracker.add_worklog",)
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head", "post")
    is_buried_as = "worklog"
    shapes = SHAPES
    filters: ClassVar[dict[str, str]] = {
        "engagement": "engagement__public_id",
        "contractor": "contractor__public_id",
        "worked_from": "worked_on__gte",
        "worked_to": "worked_on__lte",
    }

    def rows(self, request: Request) -> QuerySet[WorkLog]:
        rows: QuerySet[WorkLog] = WorkLog.objects.visible_to(caller(request))
        return rows

    def represent(self, request: Request, rows: Rows) -> list[tuple[Position, Row]]:
        return time_entry_rows(rows)

    def narrow(self, rows: Rows, query: Mapping[str, Any], user: User) -> Rows:
        rows = super().narrow(rows, query, user)
        if status := query.get("approval_status"):
            rows = rows.filter(timesheet__status=status.lower())
        return rows if "updated_since" in query else standing_entries(rows)

    def changed(self, rows: Rows, since: datetime, position: Position | None) -> Rows:
        entries = changed_entries(rows, since)
        return changed_after(entries, position, moment="changed_at")

    @extend_schema(
        operation_id="create_timesheet_entry",
        request=TimeEntryBody,
        responses={200: TimeEntryRecord, 201: TimeEntryRecord},
    )
    def create(self, request: Request) -> Response:
        """Record hours; sent again, by its source id, it is the same entry.

        One that was withdrawn stays so when it is sent as it was, and is recorded anew
        when it is sent corrected.

        An augmented engagement's hours are accrued at the rate of the day. Timesheets,
        and approving them, stay with people.
        """
        line = read_body(request, TimeEntryBody)

        def write() -> Response:
            done = store_entries(lines=[line], at="", user=caller(request))
            (pk,) = done.places
            row = self.read(request, pk=pk)
            if not done.created:
                return respond(request, row)
            location = reverse("api:timesheet-entry-detail", args=[row["id"]])
            return respond(request, row, is_new=True, location=location)

        return once_more(write)

    @extend_schema(
        operation_id="create_timesheet_entries",
        request=TimeEntryBatch,
        responses={200: TimeEntriesStored},
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Record up to 1,000 entries, all or none.

        Sent again, the same batch writes nothing. Status 422 names every line that
        can't be.
        """
        lines = read_body(request, TimeEntryBatch)["entries"]

        def write() -> Response:
            done = store_entries(lines=lines, at="entries", user=caller(request))
            counts = {"created": len(done.created), "unchanged": done.unchanged}
            return respond(request, counts)

        return once_more(write)

    @extend_schema(
        operation_id="withdraw_timesheet_entry",
        request=Withdrawal,
        responses={200: TimeEntryRecord},
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, id: UUID) -> Response:
        """Take hours back that stand in no timesheet; their accrual is reversed.

        The entry stays, with the reason, and counts nowhere. Status 409 where it is
        withdrawn already, stands in a timesheet, or a matched invoice bills its day.
        """
        reason = read_body(request, Withdrawal)["reason"]
        entry = self.rows(request).filter(public_id=id).first()
        if entry is None:
            raise Http404
        withdraw_work(line=entry, reason=reason, actor=caller(request))
        return respond(request, self.read(request, pk=entry.pk))
