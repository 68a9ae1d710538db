from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.scope import visible
from engagements.choices import Role
from engagements.models import Departure
from engagements.queries import with_left_behind
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)


@home_section(22, Role.MANAGER, Role.ADMINISTRATOR)
def departures(asked: Asked) -> Section | None:
    """Who left, with work that needs somebody; the longest gone first."""
    if not asked.user.has_perm("engagements.view_departure"):
        return None
    rows = visible(Departure, asked.user).filter(settled_at=None)
    counted = with_left_behind(rows, asked.user).order_by("id")
    found = list(counted.select_related("person", "contractor", "assignee")[:SHOWN])
    return Section(
        title=_("Who left, and what of theirs goes on"),
        columns=(
            Column(_("Person")),
            Column(_("Live engagements"), is_figure=True),
            Column(_("For"), is_extra=True),
            Column(_("Since")),
        ),
        rows=[
            (
                Cell(
                    str(row.person or row.contractor),
                    reverse("admin:engagements_departure_change", args=[row.pk]),
                    _("Manager") if row.person else _("Contractor, gone from the feed"),
                ),
                str(getattr(row, "left_behind", 0)),
                str(row.assignee or _("administrators")),
                date_format(row.created_at, "j M Y"),
            )
            for row in found
        ],
        count=rows.count() if len(found) == SHOWN else len(found),
        link=reverse("admin:engagements_departure_changelist"),
        link_text=_("All departures"),
    )
