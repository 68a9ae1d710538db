from axes.models import AccessAttempt
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
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
from tracker.notify.models import Reminder


@home_section(440, Role.ADMINISTRATOR)
def reminders_not_sent(asked: Asked) -> Section:
    """Reminders that a run took up and could not send; the next run tries again."""
    unsent = Reminder.objects.filter(sent_at=None, leased_until__lt=timezone.now())
    found = list(
        unsent.select_related("recipient", "engagement").order_by("falls_on", "id")[
            :SHOWN
        ]
    )
    return Section(
        title=_("Reminders that could not be sent"),
        columns=(Column(_("To")), Column(_("Of")), Column(_("Falls on"))),
        rows=[
            (
                str(row.recipient),
                Cell(row.engagement.title, note=row.get_kind_display()),
                short_date(row.falls_on),
            )
            for row in found
        ],
        count=unsent.count() if len(found) == SHOWN else len(found),
        is_narrow=True,
    )


@home_section(450, Role.ADMINISTRATOR)
def failed_log_ins(asked: Asked) -> Section:
    may_list = asked.user.has_perm("axes.view_accessattempt")
    failed = AccessAttempt.objects.filter(~Q(failures_since_start=0))
    found = list(failed.order_by("-attempt_time", "-id")[:SHOWN])
    return Section(
        title=_("Failed log-ins"),
        columns=(
            Column(_("User name")),
            Column(_("From")),
            Column(_("Failures"), is_figure=True),
            Column(_("Last"), is_extra=True),
        ),
        rows=[
            (
                row.username or "",
                row.ip_address or "",
                figure(str(row.failures_since_start)),
                date_format(timezone.localtime(row.attempt_time), "j M, H:i"),
            )
            for row in found
        ],
        count=failed.count() if len(found) == SHOWN else len(found),
        link=reverse("admin:axes_accessattempt_changelist") if may_list else "",
        link_text=_("All of them"),
        is_narrow=True,
    )
