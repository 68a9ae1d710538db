from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.choices import Role
from engagements.models import Engagement
from engagements.permissions import engagement_scope
from tracker.admin.home.engagement_cells import ENGAGEMENT
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.performance.queries import reviews_due


@home_section(47, Role.MANAGER)
def reviews(asked: Asked) -> Section | None:
    """What the schedule asks to be reviewed, what has waited longest first."""
    if not asked.user.has_perm("tracker.add_review"):
        return None
    scope = Engagement.objects.filter(engagement_scope(asked.user, with_reviews=True))
    due = reviews_due(scope, today=asked.today)
    add = reverse("admin:tracker_review_add")
    return Section(
        title=_("Reviews due"),
        columns=(
            ENGAGEMENT,
            Column(_("Reviewed until"), is_extra=True),
            Column(_("Due since")),
        ),
        rows=[
            (
                Cell(
                    one.engagement.title,
                    f"{add}?engagement={one.engagement.pk}",
                    f"{one.engagement.reference} · {one.engagement.vendor}",
                ),
                short_date(one.reviewed_until) if one.has_reviews else _("never"),
                short_date(one.due_on),
            )
            for one in due[:SHOWN]
        ],
        count=len(due),
        link=reverse("admin:tracker_review_changelist"),
        link_text=_("All reviews"),
    )
