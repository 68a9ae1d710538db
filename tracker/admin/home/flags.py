from django.db.models import F
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from engagements.admin.columns import deadline
from engagements.choices import Role
from tracker.admin.flag_decisions import UNDECIDED
from tracker.admin.home.engagement_cells import ENGAGEMENT
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.admin.verdict import percent
from tracker.fit.models import Flag


@home_section(40, Role.MANAGER)
def flags(asked: Asked) -> Section | None:
    """The flags that wait for a decision, the most pressing deadline first."""
    if not asked.user.has_perm("tracker.view_flag"):
        return None
    waiting = (
        Flag.objects.visible_to(asked.user)
        .filter(state__in=UNDECIDED)
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "-opposition", "id")
    )
    found = list(waiting[:SHOWN])
    return Section(
        title=_("Flags that wait for a decision"),
        columns=(
            ENGAGEMENT,
            Column(_("Fits better")),
            Column(_("Strongest reason"), is_extra=True),
            Column(_("Speaks for it"), is_figure=True, is_extra=True),
            Column(_("Notice deadline")),
        ),
        rows=[
            (
                Cell(
                    flag.engagement.title,
                    reverse("admin:tracker_flag_change", args=[flag.pk]),
                    f"{flag.engagement.reference} · {flag.engagement.vendor}",
                ),
                flag.get_leaning_display() or _("Asks for a decision"),
                capfirst(flag.strongest_reason),
                percent(flag.opposition) if flag.leaning else "",
                deadline(flag.notice_deadline_on, asked.today),
            )
            for flag in found
        ],
        count=waiting.count() if len(found) == SHOWN else len(found),
        empty=_("No flag waits for a decision."),
        link=reverse("admin:tracker_flag_changelist"),
        link_text=_("All of them"),
    )
