from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.scope import visible
from engagements.choices import LIVE_STATUSES, Role
from engagements.models import Contractor, Engagement, User
from tracker.admin.home.engagement_cells import (
    ENGAGEMENT,
    engagements_list,
    name_cell,
    term_end,
)
from tracker.admin.home.sections import (
    SHOWN,
    Asked,
    Cell,
    Column,
    Section,
    home_section,
)


@home_section(210, Role.HR_INTEGRATION)
def people_changed(asked: Asked) -> Section | None:
    if not asked.user.has_perm("engagements.view_user"):
        return None
    rows = visible(User, asked.user).select_related("department")
    return Section(
        title=_("People changed last"),
        columns=(
            Column(_("Person")),
            Column(_("Department"), is_extra=True),
            Column(_("Changed")),
        ),
        rows=[
            (
                Cell(str(row), reverse("admin:engagements_user_change", args=[row.pk])),
                str(row.department or ""),
                _moment(row.updated_at),
            )
            for row in rows.order_by("-updated_at", "-id")[:SHOWN]
        ],
        link=reverse("admin:engagements_user_changelist"),
        link_text=_("All people"),
        is_narrow=True,
    )


@home_section(220, Role.HR_INTEGRATION)
def contractors_changed(asked: Asked) -> Section | None:
    if not asked.user.has_perm("engagements.view_contractor"):
        return None
    rows = visible(Contractor, asked.user).select_related("vendor")
    return Section(
        title=_("Contractors changed last"),
        columns=(
            Column(_("Contractor")),
            Column(_("Vendor"), is_extra=True),
            Column(_("Changed")),
        ),
        rows=[
            (
                Cell(
                    str(row),
                    reverse("admin:engagements_contractor_change", args=[row.pk]),
                ),
                str(row.vendor),
                _moment(row.updated_at),
            )
            for row in rows.order_by("-updated_at", "-id")[:SHOWN]
        ],
        link=reverse("admin:engagements_contractor_changelist"),
        link_text=_("All contractors"),
        is_narrow=True,
    )


@home_section(460, Role.ADMINISTRATOR)
def people_without_role(asked: Asked) -> Section | None:
    """Those who can log in and find nothing."""
    if not asked.user.has_perm("engagements.change_user"):
        return None
    rows = visible(User, asked.user).filter(
        is_active=True, is_staff=True, is_superuser=False, groups=None
    )
    found = list(rows.order_by("-id")[:SHOWN])
    return Section(
        title=_("People without a role"),
        columns=(Column(_("Person")), Column(_("Known since"))),
        rows=[
            (
                Cell(str(row), reverse("admin:engagements_user_change", args=[row.pk])),
                _moment(row.date_joined),
            )
            for row in found
        ],
        count=rows.count() if len(found) == SHOWN else len(found),
        is_narrow=True,
    )


@home_section(470, Role.ADMINISTRATOR)
def engagements_without_manager(asked: Asked) -> Section | None:
    """Those that nobody is reminded of."""
    if not asked.user.has_perm("engagements.view_engagement"):
        return None
    rows = Engagement.objects.visible_to(asked.user).filter(
        manager=None, status__in=LIVE_STATUSES
    )
    found = list(rows.order_by("term_ends_on", "id")[:SHOWN])
    return Section(
        title=_("Engagements without a manager"),
        columns=(ENGAGEMENT, Column(_("Term ends"))),
        rows=[(name_cell(row), term_end(row)) for row in found],
        count=rows.count() if len(found) == SHOWN else len(found),
        link=engagements_list("?manager__isnull=True"),
        link_text=_("All of them"),
        is_narrow=True,
    )


def _moment(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")
