"""The admin's first page: what a manager has to look after now."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from engagements.admin.columns import PHASE_COLOURS, deadline, price
from engagements.admin.pages import PAGES
from engagements.admin.record_admin import actor_of
from engagements.choices import LIVE_STATUSES, Phase
from engagements.models import Engagement
from engagements.permissions import sees_money
from engagements.queries import with_price
from tracker.admin.flag_decisions import UNDECIDED
from tracker.admin.verdict import percent
from tracker.fit.models import Flag

AHEAD_DAYS = 90
SHOWN = 10

admin.site.index_template = "tracker/admin/home.html"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the home page shows; django-unfold calls this by its name."""
    user = actor_of(request)
    today = timezone.localdate()
    rows = (
        Engagement.objects.visible_to(user)
        .filter(status__in=LIVE_STATUSES)
        .with_phase(today)
        .select_related("vendor", "manager")
    )
    deadlines = with_price(rows, today).filter(
        notice_deadline_on__range=(today, today + timedelta(days=AHEAD_DAYS))
    )
    if not user.has_perm("engagements.view_engagement"):
        rows, deadlines = rows.none(), deadlines.none()
    mine = rows.filter(manager=user).order_by("term_ends_on", "reference")
    flags = _flags(request)
    return context | {
        "title": None,
        "flags": [
            {
                "flag": flag,
                "deadline": deadline(flag.notice_deadline_on, today),
                "share": percent(flag.opposition),
            }
            for flag in flags[:SHOWN]
        ],
        "flag_count": flags.count(),
        "shows_money": sees_money(user),
        "mine": [_line(row) for row in mine[:SHOWN]],
        "mine_count": mine.count(),
        "deadlines": [
            _line(row)
            | {"deadline": deadline(row.notice_deadline_on, today), "price": price(row)}
            for row in deadlines.order_by("notice_deadline_on")[:SHOWN]
        ],
        "deadline_count": deadlines.count(),
        "ahead_days": AHEAD_DAYS,
    }


def _flags(request: HttpRequest) -> QuerySet[Flag]:
    """The flags that wait for a decision, most pressing deadline first."""
    if not request.user.has_perm("tracker.view_flag"):
        return Flag.objects.none()
    return (
        Flag.objects.visible_to(request.user)
        .filter(state__in=UNDECIDED)
        .select_related("engagement__vendor")
        .order_by(F("notice_deadline_on").asc(nulls_last=True), "-opposition", "id")
    )


def _line(row: Any) -> dict[str, Any]:
    phase = Phase(row.phase)
    return {
        "engagement": row,
        "page": f"admin:engagements_{PAGES[row.kind]}_change",
        "phase": phase.label,
        "phase_colour": PHASE_COLOURS[phase.value],
    }
