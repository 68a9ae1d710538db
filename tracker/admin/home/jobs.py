from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from engagements.admin.columns import figure
from engagements.choices import Role
from tracker.admin.home.sections import Asked, Cell, Column, Section, home_section
from tracker.admin.jobs import STATUS_COLOURS
from tracker.jobs.models import JobRun, JobStatus

LOOKED_BACK = timedelta(days=7)


@home_section(420, Role.ADMINISTRATOR)
def jobs(asked: Asked) -> Section | None:
    """Each job that keeps its runs: how the last one went, when the next is due."""
    if not asked.user.has_perm("tracker.view_jobrun"):
        return None
    runs = JobRun.objects.filter(name=OuterRef("name")).order_by("-started_at", "-id")
    known = (
        JobRun.objects.order_by()
        .values("name")
        .annotate(
            started=Max("started_at"),
            last_status=Subquery(runs.values("status")[:1]),
            failures=Count(
                "id",
                filter=Q(
                    status=JobStatus.FAILED,
                    started_at__gte=timezone.now() - LOOKED_BACK,
                ),
            ),
        )
        .order_by("name")
    )
    return Section(
        title=_("Background jobs"),
        columns=(
            Column(_("Job")),
            Column(_("Last run")),
            Column(_("Failed, 7 days"), is_figure=True, is_extra=True),
            Column(_("Next due"), is_extra=True),
        ),
        rows=[
            (
                Cell(capfirst(row["name"]), note=_moment(row["started"])),
                _status(row["last_status"]),
                figure(str(row["failures"])),
                _next_due(row["name"]),
            )
            for row in known
        ],
        empty=_("No job has run yet."),
        link=reverse("admin:tracker_jobrun_changelist"),
        link_text=_("All runs"),
        is_narrow=True,
    )


def _status(status: str) -> Cell:
    return Cell(JobStatus(status).label, colour=STATUS_COLOURS[status])


def _next_due(name: str) -> str:
    """Return when the schedule has it next; a run of another kind has no schedule."""
    entry: dict[str, Any] | None = current_app.conf.beat_schedule.get(name)
    if entry is None:
        return ""
    now = timezone.localtime()
    remaining: timedelta = entry["schedule"].remaining_estimate(now)
    return _moment(now + remaining)


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M, H:i")
