from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.choices import OPEN_TASKS
from engagements.models import ChecklistTask, Engagement
from tracker.admin.home.engagement_cells import ENGAGEMENT, name_cell
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)


@home_section(30)
def tasks(asked: Asked) -> Section | None:
    """My tasks of on- and off-boarding, the earliest due first."""
    if not asked.user.has_perm("engagements.view_checklisttask"):
        return None
    mine = ChecklistTask.objects.filter(
        owner=asked.user,
        engagement__in=Engagement.objects.visible_to(asked.user),
        status__in=OPEN_TASKS,
    ).select_related("engagement")
    found = list(mine.order_by(F("due_on").asc(nulls_last=True), "id")[:SHOWN])
    return Section(
        title=_("My open tasks"),
        columns=(
            Column(_("Task")),
            ENGAGEMENT,
            Column(_("Status"), is_extra=True),
            Column(_("Due")),
        ),
        rows=[
            (
                Cell(
                    row.title,
                    reverse("admin:engagements_checklisttask_change", args=[row.pk]),
                    row.get_stage_display(),
                ),
                name_cell(row.engagement),
                row.get_status_display(),
                _due(row, asked),
            )
            for row in found
        ],
        count=mine.count() if len(found) == SHOWN else len(found),
    )


def _due(task: ChecklistTask, asked: Asked) -> Cell:
    if task.due_on is None:
        return Cell("")
    is_late = task.due_on < asked.today
    note = _("overdue") if is_late else ""
    return Cell(short_date(task.due_on), note=note, is_pressing=is_late)
