from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.admin.scope import visible
from engagements.choices import LIVE_STATUSES, Role
from engagements.models import Contractor
from engagements.services.tenure import tenure_clocks
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)

AHEAD = timedelta(days=180)


@home_section(230, Role.HR_INTEGRATION)
def tenure(asked: Asked) -> Section | None:
    """Contractors at work whose limit is near or reached, the nearest first."""
    if not asked.user.has_perm("engagements.view_contractor"):
        return None
    at_work = visible(Contractor, asked.user).filter(
        assignments__status__in=LIVE_STATUSES
    )
    clocks = tenure_clocks(contractors=list(at_work.distinct()), today=asked.today)
    people = {person.pk: person for person in at_work}
    near = sorted(
        (
            (one, people[pk])
            for pk, ticking in clocks.items()
            for one in ticking
            if one.clock.limit_on <= asked.today + AHEAD
        ),
        key=lambda pair: (pair[0].clock.limit_on, pair[1].pk),
    )
    return Section(
        title=_("Contractors near a tenure limit"),
        columns=(
            Column(_("Contractor")),
            Column(_("Policy"), is_extra=True),
            Column(_("Served, months"), is_figure=True),
            Column(_("Limit")),
        ),
        rows=[
            (
                Cell(
                    str(person),
                    reverse("admin:engagements_contractor_change", args=[person.pk]),
                ),
                one.policy.name,
                f"{one.clock.served.months} / {one.policy.maximum_months}",
                Cell(
                    short_date(one.clock.limit_on),
                    note=_("reached") if one.clock.is_reached else "",
                ),
            )
            for one, person in near[:SHOWN]
        ],
        count=len(near),
        empty=_("Nobody is near a limit."),
        link=reverse("admin:engagements_contractor_changelist"),
        link_text=_("All contractors"),
    )
