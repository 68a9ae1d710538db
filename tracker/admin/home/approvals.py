from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.queries import waiting_for
from tracker.admin.home.engagement_cells import ENGAGEMENT, name_cell
from tracker.admin.home.sections import SHOWN, Asked, Column, Section, home_section


@home_section(20)
def approvals(asked: Asked) -> Section | None:
    """What waits for a decision of mine: asked by others, the oldest first."""
    if not asked.user.has_perm("engagements.view_approval"):
        return None
    waiting = waiting_for(asked.user).select_related(
        "engagement__vendor", "rule", "asked_by"
    )
    found = list(waiting.order_by("created_at", "id")[:SHOWN])
    return Section(
        title=_("Waiting for my approval"),
        columns=(
            ENGAGEMENT,
            Column(_("Vendor"), is_extra=True),
            Column(_("Rule"), is_extra=True),
            Column(_("Asked by"), is_extra=True),
            Column(_("Since")),
        ),
        rows=[
            (
                name_cell(row.engagement),
                str(row.engagement.vendor),
                str(row.rule),
                str(row.asked_by),
                short_date(row.created_at.date()),
            )
            for row in found
        ],
        count=waiting.count() if len(found) == SHOWN else len(found),
    )
