from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.admin.columns import short_date
from engagements.choices import ApprovalOutcome, Role
from engagements.models import Approval, Engagement
from tracker.admin.home.engagement_cells import ENGAGEMENT, name_cell
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)
from tracker.fit.models import Decision, Flag


@home_section(320, Role.AUDITOR)
def approvals_decided(asked: Asked) -> Section | None:
    if not asked.user.has_perm("engagements.view_approval"):
        return None
    rows = (
        Approval.objects.filter(
            engagement__in=Engagement.objects.visible_to(asked.user)
        )
        .exclude(outcome=ApprovalOutcome.WAITING)
        .select_related("engagement", "asked_by", "decided_by")
        .order_by("-decided_at", "-id")
    )
    return Section(
        title=_("Approvals decided last"),
        columns=(
            ENGAGEMENT,
            Column(_("Outcome")),
            Column(_("Asked by"), is_extra=True),
            Column(_("Decided by")),
            Column(_("On"), is_extra=True),
        ),
        rows=[
            (
                name_cell(row.engagement),
                row.get_outcome_display(),
                str(row.asked_by),
                str(row.decided_by or ""),
                short_date(timezone.localdate(row.decided_at)),
            )
            for row in rows[:SHOWN]
        ],
    )


@home_section(330, Role.AUDITOR)
def flags_decided(asked: Asked) -> Section | None:
    if not asked.user.has_perm("tracker.view_decision"):
        return None
    rows = (
        Decision.objects.filter(flag__in=Flag.objects.visible_to(asked.user))
        .select_related("flag__engagement", "actor")
        .order_by("-at", "-id")
    )
    return Section(
        title=_("Flags decided last"),
        columns=(
            ENGAGEMENT,
            Column(_("Decision")),
            Column(_("Reason"), is_extra=True),
            Column(_("By")),
            Column(_("On"), is_extra=True),
        ),
        rows=[
            (
                Cell(
                    row.flag.engagement.title,
                    reverse("admin:tracker_flag_change", args=[row.flag_id]),
                    row.flag.engagement.reference,
                ),
                row.get_action_display(),
                row.reason,
                str(row.actor),
                short_date(timezone.localdate(row.at)),
            )
            for row in rows[:SHOWN]
        ],
    )
