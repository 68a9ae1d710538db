from datetime import timedelta

from django.utils.translation import gettext as _

from engagements.admin.columns import deadline, price
from engagements.choices import Role
from engagements.permissions import sees_money
from engagements.queries import with_price
from tracker.admin.home.engagement_cells import (
    ENGAGEMENT,
    engagements_list,
    live_in_scope,
    manager_of,
    name_cell,
)
from tracker.admin.home.sections import SHOWN, Asked, Column, Section, home_section

AHEAD_DAYS = 90


@home_section(10, Role.MANAGER)
def deadlines(asked: Asked) -> Section:
    """The last days to give notice that are near, the nearest first."""
    last = asked.today + timedelta(days=AHEAD_DAYS)
    rows = live_in_scope(asked).filter(notice_deadline_on__range=(asked.today, last))
    priced = with_price(rows, asked.today).order_by("notice_deadline_on", "id")
    shows_money = sees_money(asked.user)
    found = list(priced[:SHOWN])
    return Section(
        title=_("Last day to give notice within %(n)d days") % {"n": AHEAD_DAYS},
        columns=(
            ENGAGEMENT,
            Column(_("Vendor"), is_extra=True),
            Column(_("Manager"), is_extra=True),
            Column(_("Price") if shows_money else "", is_figure=True, is_extra=True),
            Column(_("Notice deadline")),
        ),
        rows=[
            (
                name_cell(row),
                str(row.vendor),
                manager_of(row),
                price(row) if shows_money else "",
                deadline(row.notice_deadline_on, asked.today),
            )
            for row in found
        ],
        count=rows.count() if len(found) == SHOWN else len(found),
        empty=_("No notice deadline is near."),
        link=engagements_list(f"?notice={AHEAD_DAYS}"),
        link_text=_("All of them"),
    )
