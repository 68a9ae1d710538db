"""A timesheet's life: begun, filled in, submitted, decided, invoiced.

What is submitted is accrued in the ledger; a rejection takes it back by reversal. The
engagement's row is locked first, then its sheets: so no two sheets of a person come to
overlap, and no two steps of one sheet are taken at once. What posts holds the months
open before either, as all who post do.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from copy import copy
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Assignment, Contractor, Engagement, User
from engagements.permissions import may_decide
from engagements.services.records import bury, check_version, create_record
from tracker.spend.day_totals import MOST_HOURS
from tracker.spend.models import (
    OPEN,
    Timesheet,
    TimesheetStatus,
    WorkLog,
    hold_months_open,
)
from tracker.spend.services.day_limits import check_days_of_work
from tracker.spend.services.ledger import reverse
from tracker.spend.services.started import check_started
from tracker.spend.services.work import (
    accrue,
    accrued_for,
    check_lines,
    store_lines,
)
from tracker.spend.timesheet_periods import Period, is_period


def is_own_time(contractor: Contractor, user: User) -> bool:
    """Tell whether the contractor is this user, by the e-mail of both."""
    address = contractor.work_email.casefold()
    return bool(address) and address == user.email.casefold()


@transaction.atomic
def start_timesheet(*, timesheet: Timesheet, actor: User | None) -> Timesheet:
    """Store an empty draft.

    Raises ValidationError for a period that is no week or month or that another sheet
    of the person overlaps, and for anything but a contractor's running engagement.
    """
    check_started([timesheet.engagement_id])
    _lock(timesheet.engagement_id)
    _check_person(timesheet)
    _check_period(timesheet)
    return create_record(record=timesheet, engagement=timesheet.engagement, actor=actor)


@transaction.atomic
def enter_hours(
    *,
    timesheet: Timesheet,
    lines: Sequence[WorkLog],
    expected_version: int | None = None,
    actor: User | None,
) -> Timesheet:
    """Make the lines those of the sheet; what stands there already is left as it is.

    A line of 0 hours says that none were worked that day; a day without a line says
    nothing. Raises WrongStateError unless the sheet is a draft or rejected,
    ConflictError, and ValidationError by line and field.
    """
    stored = _stored(timesheet)
    check_version(stored=stored, expected_version=expected_version)
    _check_status(stored, OPEN, _("changed"))
    for line in lines:
        line.engagement = stored.engagement
        line.contractor = stored.contractor
        line.timesheet = stored
        line.logged_by = actor
    check_lines(lines)
    _check_days(stored, lines)
    check_days_of_work(lines, sheet=stored.pk)
    _check_logged_elsewhere(stored, lines)
    before = list(stored.lines.all())
    removed, added = _differing(before, lines)
    if not removed and not added:
        return stored
    WorkLog.objects.filter(pk__in=[line.pk for line in removed]).delete()
    bury(removed)
    store_lines(added)
    stored.version += 1
    stored.save(update_fields=["version", "updated_at"])
    _tell(
        stored,
        "timesheet.hours_entered",
        {
            "lines": [len(before), len(lines)],
            "hours": [_sum(before), _sum(lines)],
        },
        actor,
    )
    return stored


@transaction.atomic
def submit_timesheet(
    *, timesheet: Timesheet, expected_version: int | None = None, actor: User
) -> Timesheet:
    """Ask for approval; the hours are accrued at the rate in force on their day.

    Raises WrongStateError, ConflictError, and ValidationError for a sheet without
    hours, with hours of days to come or outside the engagement, with a day of the
    person that would come to more than 24 hours, or where no rate is in force.
    """
    hold_months_open()
    stored = _stored(timesheet)
    check_version(stored=stored, expected_version=expected_version)
    _check_status(stored, OPEN, _("submitted"))
    lines = list(stored.lines.select_related("engagement"))
    _check_can_be_submitted(lines)
    check_days_of_work(lines, sheet=stored.pk)
    before = copy(stored)
    stored.status = TimesheetStatus.SUBMITTED
    stored.submitted_by, stored.submitted_at = actor, timezone.now()
    stored.decided_by = stored.decided_at = None
    stored.reason = ""
    stored.submissions += 1
    _save(stored, before, "timesheet.submitted", actor)
    worked = [line for line in lines if line.hours]
    accrue(worked, part=f"submission {stored.submissions}")
    return stored


@transaction.atomic
def approve_timesheet(
    *, timesheet: Timesheet, expected_version: int | None = None, actor: User
) -> Timesheet:
    """Agree to the hours of a submitted sheet.

    Raises NotAllowedError for whoever entered hours of it, submitted it or whose hours
    they are, superusers included, and for those who don't decide; WrongStateError and
    ConflictError.
    """
    return _decide(timesheet, TimesheetStatus.APPROVED, "", expected_version, actor)


@transaction.atomic
def reject_timesheet(
    *,
    timesheet: Timesheet,
    reason: str,
    expected_version: int | None = None,
    actor: User,
) -> Timesheet:
    """Give a submitted sheet back with a reason; what it accrued is reversed.

    Raises what `approve_timesheet` does, and ValidationError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why it is rejected.")})
    hold_months_open()
    decided = _decide(
        timesheet, TimesheetStatus.REJECTED, reason, expected_version, actor
    )
    reverse(accrued_for(decided.lines.values_list("pk", flat=True)))
    return decided


def close_billed(*, sheet: Timesheet, actor: User | None) -> None:
    """Lock an approved sheet that is billed; the caller holds it and its engagement.

    What its hours still accrue is reversed, since the bill takes its place: such are
    hours that were submitted after the bill came.
    """
    before = copy(sheet)
    sheet.status = TimesheetStatus.INVOICED
    _save(sheet, before, "timesheet.invoiced", actor)
    reverse(accrued_for(sheet.lines.values_list("pk", flat=True)))


def open_for_new_bill(
    *, sheet: Timesheet, unbilled: Sequence[WorkLog], actor: User | None
) -> None:
    """Let an invoiced sheet be billed again; the caller holds it and its engagement.

    The hours that no bill stands for any more are accrued anew.
    """
    before = copy(sheet)
    sheet.status = TimesheetStatus.APPROVED
    sheet.submissions += 1
    _save(sheet, before, "timesheet.reopened", actor)
    accrue(unbilled, part=f"submission {sheet.submissions}")


_DECIDED = {
    TimesheetStatus.APPROVED: "timesheet.approved",
    TimesheetStatus.REJECTED: "timesheet.rejected",
}


def _decide(
    timesheet: Timesheet,
    status: TimesheetStatus,
    reason: str,
    expected_version: int | None,
    actor: User,
) -> Timesheet:
    stored = _stored(timesheet)
    check_version(stored=stored, expected_version=expected_version)
    _check_status(stored, (TimesheetStatus.SUBMITTED,), status.label.lower())
    _check_may_decide(stored, actor)
    before = copy(stored)
    stored.status, stored.reason = status, reason
    stored.decided_by, stored.decided_at = actor, timezone.now()
    _save(stored, before, _DECIDED[status], actor)
    return stored


def _check_may_decide(sheet: Timesheet, actor: User) -> None:
    if sheet.submitted_by_id == actor.pk:
        raise NotAllowedError(
            _("You submitted this timesheet: somebody else has to decide.")
        )
    if sheet.lines.filter(logged_by=actor).exists():
        raise NotAllowedError(
            _("You entered hours of this timesheet: somebody else has to decide.")
        )
    if is_own_time(sheet.contractor, actor):
        raise NotAllowedError(_("Nobody decides about their own time."))
    seen = Engagement.objects.visible_to(actor).filter(pk=sheet.engagement_id)
    if not may_decide(actor) or not seen.exists():
        raise NotAllowedError(_("Managers, finance and administrators decide."))


def _lock(engagement_id: int) -> None:
    Engagement.objects.select_for_update().get(pk=engagement_id)


def _stored(timesheet: Timesheet) -> Timesheet:
    _lock(timesheet.engagement_id)
    rows = Timesheet.objects.select_related("engagement", "contractor")
    stored: Timesheet = rows.select_for_update(of=("self",)).get(pk=timesheet.pk)
    return stored


def _check_person(sheet: Timesheet) -> None:
    if sheet.engagement.kind != Kind.AUGMENTED:
        raise ValidationError(
            {
                "engagement": _(
                    "Timesheets are for augmented contractors; log a managed"
                    " contract's work as work logs."
                )
            }
        )
    person = Assignment.objects.values_list("contractor", flat=True).get(
        pk=sheet.engagement_id
    )
    if person is None or person != sheet.contractor_id:
        raise ValidationError(
            {
                "contractor": _("%(reference)s is with somebody else.")
                % {"reference": sheet.engagement.reference}
            }
        )


def _check_period(sheet: Timesheet) -> None:
    period = Period(sheet.starts_on, sheet.ends_on)
    if not is_period(period, sheet.cadence):
        raise ValidationError(
            {"starts_on": _("Give a week from Monday to Sunday, or a calendar month.")}
        )
    other = Timesheet.objects.filter(
        engagement=sheet.engagement_id,
        contractor=sheet.contractor_id,
        starts_on__lte=sheet.ends_on,
        ends_on__gte=sheet.starts_on,
    ).first()
    if other is not None:
        raise ValidationError(
            {
                "starts_on": _("There is a timesheet from %(first)s to %(last)s.")
                % {"first": other.starts_on, "last": other.ends_on}
            }
        )


def _check_status(sheet: Timesheet, needed: Collection[str], verb: str) -> None:
    if sheet.status not in needed:
        raise WrongStateError(
            _("The timesheet is %(status)s and can't be %(verb)s.")
            % {"status": sheet.get_status_display().lower(), "verb": verb}
        )


def _check_days(sheet: Timesheet, lines: Sequence[WorkLog]) -> None:
    by_day: dict[date, Decimal] = defaultdict(Decimal)
    for number, line in enumerate(lines, 1):
        if not sheet.starts_on <= line.worked_on <= sheet.ends_on:
            raise ValidationError(
                {
                    "worked_on": _("Line %(number)d: %(day)s is not in this timesheet.")
                    % {"number": number, "day": line.worked_on}
                }
            )
        by_day[line.worked_on] += line.hours
    for day, hours in sorted(by_day.items()):
        if hours > MOST_HOURS:
            raise ValidationError(
                {
                    "hours": _("%(day)s has %(hours)s hours; a day has 24.")
                    % {"day": _day(day), "hours": events.plain(hours)}
                }
            )


def _check_logged_elsewhere(sheet: Timesheet, lines: Sequence[WorkLog]) -> None:
    """Refuse hours of a day that were logged for the person without a sheet."""
    days = sorted({line.worked_on for line in lines})
    logged = (
        WorkLog.objects.without_sheet()
        .filter(
            engagement=sheet.engagement_id,
            contractor=sheet.contractor_id,
            worked_on__in=days,
        )
        .order_by("worked_on")
        .first()
    )
    if logged is not None:
        raise ValidationError(
            {
                "worked_on": _(
                    "Work of %(day)s is logged without a timesheet already; leave the"
                    " day blank."
                )
                % {"day": _day(logged.worked_on)}
            }
        )


def _check_can_be_submitted(lines: Sequence[WorkLog]) -> None:
    if not lines:
        raise ValidationError(
            {"hours": _("Enter the hours first; 0 where none were worked.")}
        )
    to_come = [line for line in lines if line.worked_on > timezone.localdate()]
    if any(line.hours for line in to_come):
        raise ValidationError(
            {
                "worked_on": _("%(day)s is yet to come: submit what was worked.")
                % {"day": _day(max(line.worked_on for line in to_come))}
            }
        )


_FACTS = (
    "worked_on",
    "hours",
    "activity",
    "skill_id",
    "assigned_by",
    "is_core",
    "is_out_of_hours",
    "is_overtime",
    "description",
)


def _differing(
    before: Sequence[WorkLog], after: Sequence[WorkLog]
) -> tuple[list[WorkLog], list[WorkLog]]:
    """Return the lines to remove and those to add; equal ones are neither."""
    left = list(before)
    added = []
    for line in after:
        same = next((one for one in left if _facts(one) == _facts(line)), None)
        if same is None:
            added.append(line)
        else:
            left.remove(same)
    return left, added


def _facts(line: WorkLog) -> tuple[object, ...]:
    return tuple(getattr(line, name) for name in _FACTS)


def _save(
    sheet: Timesheet, before: Timesheet, event_type: str, actor: User | None
) -> None:
    sheet.version += 1
    sheet.full_clean()
    sheet.save()
    _tell(sheet, event_type, events.difference(before, sheet), actor)


def _tell(
    sheet: Timesheet, event_type: str, changes: events.Changes, actor: User | None
) -> None:
    events.record(
        event_type=event_type,
        subject=sheet,
        changes=changes,
        engagement=sheet.engagement,
        actor=actor,
    )


def _sum(lines: Sequence[WorkLog]) -> str:
    return str(events.plain(sum((line.hours for line in lines), Decimal(0))))


def _day(day: date) -> str:
    return date_format(day, "D j M Y")
