"""What stands in the way of closing a month, and where its rows are."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engagements.admin.record_admin import actor_of
from engagements.errors import TrackerError
from engagements.permissions import sees_all
from engagements.values.periods import add_months, month_of
from tracker.admin.accrual_runs import told_of_run
from tracker.spend.services import (
    ChecklistItem,
    may_close_months,
    month_checklist,
    month_to_close,
    reckon_month,
)

VIEW = "tracker.view_closedmonth"
MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Line:
    """An item in words: its state also without colour, and where its rows are."""

    item: ChecklistItem
    state: str
    colour: str
    link: str


def may_see_checklist(request: HttpRequest) -> bool:
    """Tell whether the reader sees every department, whose rows are counted."""
    return request.user.has_perm(VIEW) and sees_all(actor_of(request))


@require_safe
def checklist_page(request: HttpRequest) -> HttpResponse:
    """Show what stands in the way of a month; the next to close unless asked."""
    if not may_see_checklist(request):
        raise PermissionDenied
    today = timezone.localdate()
    upcoming = month_to_close(today=today)
    month = _asked(request.GET.get("month", ""), upcoming)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Month checklist"),
        "month": month,
        "months": _choices(upcoming, month, today),
        "may_close": may_close_months(actor_of(request)),
        "is_next": month == upcoming,
    }
    try:
        checklist = month_checklist(month=month, today=today)
    except TrackerError as refusal:
        context["refusal"] = str(refusal)
    else:
        context["checklist"] = checklist
        context["lines"] = [_line(item, request) for item in checklist.items]
    return TemplateResponse(request, "tracker/admin/month_checklist.html", context)


@require_POST
def reckon_page(request: HttpRequest) -> HttpResponse:
    """Accrue the month that the checklist is of, and show it again."""
    if not may_close_months(actor_of(request)):
        raise PermissionDenied
    month = _asked(request.POST.get("month", ""), None)
    try:
        run = reckon_month(
            month=month, today=timezone.localdate(), actor=actor_of(request)
        )
    except TrackerError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told_of_run(run))
    page = reverse("admin:tracker_accrual_checklist")
    return HttpResponseRedirect(f"{page}?month={month:%Y-%m}")


def checklist_urls() -> list[URLPattern]:
    """Return the addresses, which stand beside those of accruals."""
    return [
        path(
            "checklist/",
            admin.site.admin_view(checklist_page),
            name="tracker_accrual_checklist",
        ),
        path(
            "checklist/reckon/",
            admin.site.admin_view(reckon_page),
            name="tracker_accrual_reckon_month",
        ),
    ]


def _asked(text: str, otherwise: date | None) -> date:
    """Return the month written as 2026-07; raises Http404 where it is none."""
    if not text and otherwise is not None:
        return otherwise
    match = MONTH.fullmatch(text)
    if match is None:
        raise Http404
    return date(int(match[1]), int(match[2]), 1)


def _choices(upcoming: date, month: date, today: date) -> list[date]:
    """Return the months that can be looked at: open ones that are over."""
    last = add_months(month_of(today), -1)
    months = [add_months(last, -n) for n in range(12)]
    return sorted({*(m for m in months if m >= upcoming), upcoming, month})


def _line(item: ChecklistItem, request: HttpRequest) -> Line:
    if item.is_done:
        return Line(item, _("In order"), "success", "")
    state, colour = (
        (_("Blocks"), "danger") if item.is_blocking else (_("Warns"), "warning")
    )
    return Line(item, state, colour, _page_of(item, request))


def _page_of(item: ChecklistItem, request: HttpRequest) -> str:
    """Return the list of the rows, where the reader may open it."""
    if item.rows is None:
        return ""
    meta = item.rows._meta
    if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
        return ""
    try:
        page = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
    return f"{page}?{urlencode(item.where)}" if item.where else page
