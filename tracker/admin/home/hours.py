from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.scope import visible
from engagements.choices import Role
from engagements.models import Assignment
from tracker.admin.home.engagement_cells import ENGAGEMENT, name_cell
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.spend.hours import missing_sheets, to_decide
from tracker.spend.models import TimesheetStatus


@home_section(24)
def hours_to_approve(asked: Asked) -> Section | None:
    """Timesheets that others submitted and the person may decide, the oldest first."""
    if not asked.user.has_perm("tracker.change_timesheet"):
        return None
    waiting = to_decide(asked.user).select_related(
        "engagement", "contractor", "submitted_by"
    )
    found = list(waiting[:SHOWN])
    return Section(
        title=_("Hours to approve"),
        columns=(
            Column(_("Contractor")),
            ENGAGEMENT,
            Column(_("Submitted by"), is_extra=True),
            Column(_("Period")),
        ),
        rows=[
            (
                Cell(
                    row.contractor,
                    reverse("admin:tracker_timesheet_change", args=[row.pk]),
                ),
                name_cell(row.engagement),
                str(row.submitted_by or ""),
                _("to %(day)s") % {"day": date_format(row.ends_on, "DATE_FORMAT")},
            )
            for row in found
        ],
        count=waiting.count() if len(found) == SHOWN else len(found),
        link=reverse("admin:tracker_timesheet_changelist")
        + f"?status__exact={TimesheetStatus.SUBMITTED.value}",
        link_text=_("All that wait"),
    )


@home_section(26, Role.MANAGER)
def timesheets_missing(asked: Asked) -> Section | None:
    """Weeks and months of my own assignments without a sheet, the oldest first."""
    if not asked.user.has_perm("tracker.add_timesheet"):
        return None
    mine = visible(Assignment, asked.user).filter(manager=asked.user)
    rows = missing_sheets(mine, asked.today)
    page = reverse("admin:tracker_timesheet_missing")
    return Section(
        title=_("Timesheets not started"),
        columns=(Column(_("Contractor")), ENGAGEMENT, Column(_("Period"))),
        rows=[
            (
                Cell(row.assignment.contractor, page),
                name_cell(row.assignment),
                _("to %(day)s") % {"day": date_format(row.period.last, "DATE_FORMAT")},
            )
            for row in rows[:SHOWN]
        ],
        count=len(rows),
        link=page,
        link_text=_("All that are missing"),
    )
