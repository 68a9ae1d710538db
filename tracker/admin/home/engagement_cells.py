"""How the home page shows an engagement in a table."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from engagements.admin.columns import PHASE_COLOURS, short_date
from engagements.admin.pages import page_of
from engagements.choices import LIVE_STATUSES, Phase
from engagements.models import Engagement
from tracker.admin.home.sections import Asked, Cell, Column

ENGAGEMENT = Column(_("Engagement"))


def live_in_scope(asked: Asked) -> Any:
    """Return the live engagements that the person may see, with phase."""
    rows = Engagement.objects.visible_to(asked.user)
    if not asked.user.has_perm("engagements.view_engagement"):
        rows = rows.none()
    return (
        rows.filter(status__in=LIVE_STATUSES)
        .with_phase(asked.today)
        .select_related("vendor", "manager")
    )


def name_cell(engagement: Any) -> Cell:
    return Cell(engagement.title, page_of(engagement), engagement.reference)


def phase_cell(engagement: Any) -> Cell:
    phase = Phase(engagement.phase)
    return Cell(phase.label, colour=PHASE_COLOURS[phase.value])


def term_end(engagement: Any) -> str:
    day = engagement.term_ends_on
    return short_date(day) if day else str(_("open"))


def manager_of(engagement: Any) -> str:
    return str(engagement.manager or "")


def engagements_list(query: str = "") -> str:
    return reverse("admin:engagements_engagement_changelist") + query
