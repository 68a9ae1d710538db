from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.choices import Role
from tracker.admin.home.engagement_cells import ENGAGEMENT
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.admin.performance import window_name
from tracker.performance.models import LevelResult
from tracker.performance.queries import levels_at_risk
from tracker.performance.service_levels import Outcome, shown


@home_section(45, Role.MANAGER)
def service_levels(asked: Asked) -> Section | None:
    """The levels whose last judged window was missed, or kept its minimum alone."""
    if not asked.user.has_perm("tracker.view_levelresult"):
        return None
    rows = levels_at_risk(asked.user)
    found = list(rows[:SHOWN])
    if not found:
        return None
    return Section(
        title=_("Service levels at risk"),
        columns=(
            ENGAGEMENT,
            Column(_("Service level")),
            Column(_("Window"), is_extra=True),
            Column(_("Target"), is_figure=True, is_extra=True),
            Column(_("Found"), is_figure=True),
            Column(_("Outcome")),
        ),
        rows=[
            (
                Cell(
                    row.engagement.title,
                    reverse("admin:tracker_levelresult_change", args=[row.pk]),
                    f"{row.engagement.reference} · {row.engagement.vendor}",
                ),
                row.service_level.name,
                window_name(row),
                f"{shown(row.service_level.target)} {row.service_level.unit}",
                _figure(row),
                _outcome(row),
            )
            for row in found
        ],
        count=rows.count() if len(found) == SHOWN else len(found),
        link=reverse("admin:tracker_levelresult_changelist"),
        link_text=_("All of them"),
    )


def _figure(row: LevelResult) -> str:
    return "" if row.value is None else f"{shown(row.value)} {row.service_level.unit}"


def _outcome(row: LevelResult) -> Cell:
    if row.outcome == Outcome.MISSED:
        return Cell(_("Missed"), colour="danger")
    return Cell(_("Below target"), colour="warning")
