"""The line on top of an engagement's page: what came before it and what followed."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.models import Engagement, User
from engagements.queries import lineage


@dataclass(frozen=True)
class Stop:
    """One engagement of the line, or so many neighbours that may not be seen."""

    hidden: int = 0
    is_asked_for: bool = False
    reference: str = ""
    title: str = ""
    model: str = ""
    days: str = ""
    status: str = ""
    page: str = ""


def lineage_line(engagement: Engagement, user: User) -> list[Stop]:
    """Return the stops in order; none where the engagement stands alone."""
    links = lineage(engagement, user)
    if len(links) == 1:
        return []
    stops: list[Stop] = []
    for link in links:
        if link.engagement is not None:
            stops.append(_stop(link.engagement, is_asked_for=link.is_asked_for))
        elif stops and stops[-1].hidden:
            stops[-1] = Stop(hidden=stops[-1].hidden + 1)
        else:
            stops.append(Stop(hidden=1))
    return stops


def _stop(engagement: Engagement, *, is_asked_for: bool) -> Stop:
    end = engagement.term_ends_on
    return Stop(
        is_asked_for=is_asked_for,
        reference=engagement.reference,
        title=engagement.title,
        model=engagement.get_kind_display(),
        days=_("%(start)s to %(end)s")
        % {
            "start": short_date(engagement.starts_on),
            "end": short_date(end) if end else _("open end"),
        },
        status=engagement.get_status_display(),
        page=reverse("admin:engagements_engagement_change", args=[engagement.pk]),
    )
