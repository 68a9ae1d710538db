from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.event_words import words_for
from engagements.admin.scope import visible
from engagements.choices import Role
from engagements.models import Event
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)


@home_section(310, Role.AUDITOR)
def latest_events(asked: Asked) -> Section | None:
    if not asked.user.has_perm("engagements.view_event"):
        return None
    rows = list(
        visible(Event, asked.user).select_related("actor").order_by("-id")[:SHOWN]
    )
    return Section(
        title=_("Latest events"),
        columns=(
            Column(_("What")),
            Column(_("Who")),
            Column(_("When"), is_extra=True),
        ),
        rows=[
            (
                Cell(
                    words_for(row.event_type, row.subject_type),
                    reverse("admin:engagements_event_change", args=[row.pk]),
                    f"{row.subject_type} {row.subject_id}",
                ),
                str(row.actor or _("The product itself")),
                date_format(timezone.localtime(row.occurred_at), "j M Y, H:i"),
            )
            for row in rows
        ],
        empty=_("Nothing has happened yet."),
        link=reverse("admin:engagements_event_changelist"),
        link_text=_("All events"),
    )
