from datetime import timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.admin.columns import figure, short_date
from engagements.choices import Role
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.imports.models import ImportRun, RunState

LOOKED_BACK = timedelta(days=30)
COLOURS = {
    RunState.APPLIED.value: "success",
    RunState.REFUSED.value: "danger",
    RunState.FAILED.value: "danger",
}


@home_section(130, Role.FINANCE, Role.ADMINISTRATOR)
def imports(asked: Asked) -> Section | None:
    """The imports of late that refused lines, or failed as a whole."""
    if not asked.user.has_perm("tracker.view_importrun"):
        return None
    since = timezone.now() - LOOKED_BACK
    bad = ImportRun.objects.filter(
        Q(refused__gt=0) | Q(state__in=(RunState.REFUSED, RunState.FAILED)),
        created_at__gte=since,
    )
    found = list(bad.order_by("-id")[:SHOWN])
    return Section(
        title=_("Imports with refused lines, last 30 days"),
        columns=(
            Column(_("File")),
            Column(_("State")),
            Column(_("Refused"), is_figure=True),
        ),
        rows=[
            (
                Cell(
                    row.file_name,
                    reverse("admin:tracker_importrun_change", args=[row.pk]),
                    short_date(timezone.localdate(row.created_at)),
                ),
                Cell(row.get_state_display(), colour=COLOURS.get(row.state, "info")),
                figure(f"{row.refused} / {row.read}"),
            )
            for row in found
        ],
        count=bad.count() if len(found) == SHOWN else len(found),
        link=reverse("admin:tracker_importrun_changelist"),
        link_text=_("All imports"),
        is_narrow=True,
    )
