from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.choices import Role
from tracker.admin.home.engagement_cells import (
    ENGAGEMENT,
    engagements_list,
    live_in_scope,
    name_cell,
    phase_cell,
    term_end,
)
from tracker.admin.home.sections import SHOWN, Asked, Column, Section, home_section


@home_section(50, Role.MANAGER)
def mine(asked: Asked) -> Section:
    rows = live_in_scope(asked).filter(manager=asked.user)
    found = list(rows.order_by("term_ends_on", "reference")[:SHOWN])
    return Section(
        title=_("Managed by me"),
        columns=(
            ENGAGEMENT,
            Column(_("Vendor"), is_extra=True),
            Column(_("Phase")),
            Column(_("Term ends")),
        ),
        rows=[
            (name_cell(row), str(row.vendor), phase_cell(row), term_end(row))
            for row in found
        ],
        count=rows.count() if len(found) == SHOWN else len(found),
        empty=_("You manage no live engagement."),
        link=reverse("tracker:my") if found else engagements_list(),
        link_text=_("My page") if found else _("All engagements you may see"),
    )
