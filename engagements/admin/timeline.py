"""The life of one engagement on one page: what lies ahead, and what has been.

Each source tells its own part; those of what happened since register from above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from engagements.admin.history import Change
from engagements.admin.record_admin import actor_of
from engagements.models import Engagement, User

PER_PAGE = 40


@dataclass(frozen=True)
class Moment:
    """Something that happened on a day, or will, in one plain sentence."""

    day: date
    sentence: str
    # Where to read on, and what the link is called.
    link: str = ""
    link_text: str = ""
    who: str = ""
    changes: Sequence[Change] = ()
    is_pressing: bool = False
    # Within a day, the lower stands nearer to the present.
    order: int = 0


@dataclass(frozen=True)
class Asked:
    """Whose life is told to whom: the newest `limit` moments before a day."""

    engagement: Any
    user: User
    today: date
    before: date
    limit: int = PER_PAGE


@dataclass(frozen=True)
class Page:
    moments: list[Moment]
    # The next page tells what was before this day.
    before: date | None
    # A day had more than a page holds; the history page has all of it.
    is_cut: bool = False


@dataclass(frozen=True)
class _Told:
    moments: list[Moment] = field(default_factory=list)
    # Of this day and earlier ones a source may have told only a part.
    complete_after: date = date.min


# At most `limit` moments from days before `before`, the newest first.
Past = Callable[[Asked], Iterable[Moment]]
# What is known of today and later; few by nature.
Ahead = Callable[[Asked], Iterable[Moment]]

_PAST: list[Past] = []
_AHEAD: list[Ahead] = []


def has_been(source: Past) -> Past:
    """Register who tells a part of what has been."""
    if source not in _PAST:
        _PAST.append(source)
    return source


def lies_ahead(source: Ahead) -> Ahead:
    """Register who tells a part of what lies ahead."""
    if source not in _AHEAD:
        _AHEAD.append(source)
    return source


def page_of_past(engagement: Any, user: User, before: date | None = None) -> Page:
    """Return the moments before the day (by default all), the newest first.

    Only whole days, so that no moment falls between two pages.
    """
    today = timezone.localdate()
    tomorrow = today + timedelta(days=1)
    before = min(before or tomorrow, tomorrow)
    asked = Asked(engagement, user, today, before)
    told = _gather(asked)
    whole = [m for m in told.moments if m.day > told.complete_after]
    is_cut = not whole and bool(told.moments)
    if is_cut:
        whole = [m for m in told.moments if m.day == told.complete_after]
    shown = _whole_days(sorted(whole, key=lambda m: (m.day, -m.order), reverse=True))
    has_more = len(shown) < len(told.moments) or told.complete_after > date.min
    return Page(shown, shown[-1].day if shown and has_more else None, is_cut)


def _gather(asked: Asked) -> _Told:
    moments: list[Moment] = []
    complete_after = date.min
    for source in _PAST:
        found = list(source(asked))
        moments.extend(found)
        if len(found) >= asked.limit:
            complete_after = max(complete_after, found[-1].day)
    return _Told(moments, complete_after)


def _whole_days(moments: list[Moment]) -> list[Moment]:
    if len(moments) <= PER_PAGE:
        return moments
    last = moments[PER_PAGE - 1].day
    return [moment for moment in moments if moment.day >= last]


def coming(engagement: Any, user: User) -> list[Moment]:
    """Return what lies ahead, the nearest first."""
    today = timezone.localdate()
    asked = Asked(engagement, user, today, today + timedelta(days=1))
    moments = [moment for source in _AHEAD for moment in source(asked)]
    return sorted(moments, key=lambda moment: (moment.day, moment.order))


def timeline_page(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, object_id: str
) -> HttpResponse:
    engagement: Engagement | None = model_admin.get_object(request, object_id)
    if engagement is None:
        raise Http404
    if not model_admin.has_view_or_change_permission(request, engagement):
        raise PermissionDenied
    user = actor_of(request)
    before = _day(request.GET.get("before"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Timeline"),
        "subtitle": str(engagement),
        "opts": model_admin.opts,
        "original": engagement,
        "today": timezone.localdate(),
        "coming": [] if before else coming(engagement, user),
        "page": page_of_past(engagement, user, before),
        "before": before,
        "show_history": user.has_perm("engagements.view_event"),
    }
    return TemplateResponse(request, "engagements/admin/timeline.html", context)


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None
