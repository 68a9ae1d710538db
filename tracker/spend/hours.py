"""Hours by day as sheets and logs have them, and the sheets that are missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from engagements.choices import ChargeKind, Status
from engagements.models import Assignment, User
from engagements.permissions import may_decide
from engagements.values.workdays import UnknownCountryError, working_days
from tracker.spend.models import (
    Cadence,
    InvoiceLine,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.timesheet_periods import Period, expected_periods

# Sheets older than this are not asked for any more.
LOOK_BACK = timedelta(weeks=12)
AGREED = (TimesheetStatus.APPROVED, TimesheetStatus.INVOICED)


@dataclass(frozen=True)
class DayHours:
    """One person's hours of a day; `contractor_id` is None where nobody is named.

    `logged` are hours without a timesheet, which nobody has to approve.
    """

    engagement_id: int
    contractor_id: int | None
    day: date
    is_overtime: bool
    approved: Decimal
    submitted: Decimal
    logged: Decimal

    @property
    def agreed(self) -> Decimal:
        """What an invoice may bill: approved, or logged without a sheet."""
        return self.approved + self.logged

    @property
    def total(self) -> Decimal:
        return self.approved + self.submitted + self.logged


_BY_DAY = ("engagement_id", "contractor_id", "worked_on", "is_overtime")


def approved_hours(
    engagement_ids: Collection[int], first: date, last: date
) -> list[DayHours]:
    """Return hours by engagement, person, day and overtime, in that order.

    Drafts and rejected sheets don't count; nor do days of 0 hours.
    """
    sheets = Q(timesheet__isnull=False)
    rows = (
        WorkLog.objects.counted()
        .filter(engagement__in=engagement_ids, worked_on__range=(first, last))
        .order_by(*_BY_DAY)
        .values_list(*_BY_DAY)
        .annotate(
            approved=Sum("hours", filter=sheets & Q(timesheet__status__in=AGREED)),
            submitted=Sum(
                "hours", filter=Q(timesheet__status=TimesheetStatus.SUBMITTED)
            ),
            logged=Sum("hours", filter=~sheets),
        )
    )
    return [
        DayHours(*row[:4], *(hours or Decimal(0) for hours in row[4:])) for row in rows
    ]


@dataclass(frozen=True)
class MissingSheet:
    """A week or month of a running assignment for which nobody began a sheet."""

    assignment: Assignment
    cadence: str
    period: Period


def missing_sheets(assignments: "QuerySet[Any]", today: date) -> list[MissingSheet]:
    """Return the sheets of the assignments not started, the oldest first.

    A sheet is expected for each week, or month where the person's latest sheet is one,
    that is over, has a working day on which the engagement was in force, and of which
    no work was logged in another way.
    """
    running = list(
        assignments.filter(status=Status.ACTIVE, contractor__isnull=False)
        .select_related("contractor", "manager")
        .order_by("pk")
    )
    since = today - LOOK_BACK
    sheets = _sheets(running)
    logged = _days_logged(running, since)
    found = [
        missing
        for assignment in running
        for missing in _missing(
            assignment,
            sheets.get(assignment.pk, []),
            logged.get(assignment.pk, set()),
            since,
            today,
        )
    ]
    return sorted(found, key=lambda one: (one.period, one.assignment.pk))


def latest_cadence(assignment: Assignment) -> str:
    """Return how the person's sheets are kept: as the latest was, else by week."""
    latest = (
        Timesheet.objects.filter(engagement=assignment.pk)
        .order_by("-starts_on")
        .values_list("cadence", flat=True)
        .first()
    )
    return latest or Cadence.WEEK.value


def periods_taken(assignment: Assignment) -> list[Period]:
    rows = Timesheet.objects.filter(
        engagement=assignment.pk, contractor=assignment.contractor_id
    ).order_by("starts_on")
    return [Period(*row) for row in rows.values_list("starts_on", "ends_on")]


def to_decide(user: User) -> "QuerySet[Timesheet]":
    """Return submitted sheets that the user may decide about, the oldest first."""
    if not may_decide(user):
        return Timesheet.objects.none()
    entered = WorkLog.objects.filter(timesheet=OuterRef("pk"), logged_by=user)
    rows = (
        Timesheet.objects.visible_to(user)
        .filter(~Exists(entered), status=TimesheetStatus.SUBMITTED)
        .exclude(submitted_by=user)
    )
    if user.email:
        rows = rows.exclude(contractor__work_email__iexact=user.email)
    return rows.order_by("starts_on", "pk")


def has_logged_what_is_billed(invoice_id: int, person: User) -> bool:
    """Tell whether hours that the invoice bills rest on the person's word alone.

    Such are hours that they logged without a timesheet, which nobody has to approve.
    """
    logged = WorkLog.objects.without_sheet().filter(
        engagement=OuterRef("engagement"),
        worked_on__gte=OuterRef("period_from"),
        worked_on__lte=OuterRef("period_to"),
        logged_by=person,
    )
    lines = InvoiceLine.objects.filter(
        Exists(logged),
        invoice=invoice_id,
        charge_kind=ChargeKind.TIME,
        amount__gt=0,
    )
    return lines.exists()


def submitter_of(timesheet_id: int) -> User | None:
    """Return who submitted the sheet last."""
    rows = Timesheet.objects.select_related("submitted_by")
    sheet = rows.filter(pk=timesheet_id).first()
    return sheet.submitted_by if sheet else None


Sheet = tuple[Period, str]


def _sheets(running: Iterable[Assignment]) -> dict[int, list[Sheet]]:
    found: dict[int, list[Sheet]] = defaultdict(list)
    people = {one.pk: one.contractor_id for one in running}
    rows = Timesheet.objects.filter(engagement__in=people).order_by("starts_on")
    for engagement, contractor, first, last, cadence in rows.values_list(
        "engagement_id", "contractor_id", "starts_on", "ends_on", "cadence"
    ):
        if people[engagement] == contractor:
            found[engagement].append((Period(first, last), cadence))
    return found


def _days_logged(running: Iterable[Assignment], since: date) -> dict[int, set[date]]:
    found: dict[int, set[date]] = defaultdict(set)
    rows = WorkLog.objects.without_sheet().filter(
        engagement__in=[one.pk for one in running],
        # A month that began before may still be asked for.
        worked_on__gte=since - timedelta(days=31),
    )
    for engagement, day in rows.values_list("engagement_id", "worked_on"):
        found[engagement].add(day)
    return found


def _missing(
    assignment: Assignment,
    sheets: list[Sheet],
    logged: set[date],
    since: date,
    today: date,
) -> Iterator[MissingSheet]:
    cadence = sheets[-1][1] if sheets else Cadence.WEEK.value
    taken = [period for period, _cadence in sheets]
    first = max(since, assignment.starts_on)
    for period in expected_periods(first, today - timedelta(days=1), cadence):
        is_told = any(one.overlaps(period) for one in taken) or any(
            day in logged for day in period.days
        )
        if not is_told and _was_at_work(assignment, period):
            yield MissingSheet(assignment, cadence, period)


def _was_at_work(assignment: Assignment, period: Period) -> bool:
    first = max(period.first, assignment.starts_on)
    last = min(period.last, assignment.ends_on or period.last)
    if first > last:
        return False
    try:
        return working_days(first, last, assignment.country) > 0
    except UnknownCountryError:
        return True
