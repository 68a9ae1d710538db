from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from engagements.models import User
from tracker.dashboards.filters import Filters, read_filters
from tracker.dashboards.levels.pages import (
    level_report_page,
    levels_page,
    window_page,
)
from tracker.dashboards.levels.reports import LevelReport, level_reports
from tracker.dashboards.levels.scope import LEVELS, LevelScope
from tracker.dashboards.report import BadPageError
from tracker.dashboards.views import file_of, page_of, refused_page

SEES_LEVELS = "tracker.view_levelresult"


@require_safe
@login_required
def service_levels(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    if not user.has_perm(SEES_LEVELS):
        return _no_access(request)
    filters = read_filters(user, request.GET, LEVELS)
    if filters.scope is None:
        return refused_page(request, filters)
    page = levels_page(_scope(filters))
    return page_of(request, "service_levels", filters, page=page)


@require_safe
@login_required
def level_report(request: HttpRequest, slug: str) -> HttpResponse:
    user, found = _reader(request), _report(slug)
    if not user.has_perm(SEES_LEVELS):
        return _no_access(request)
    filters = read_filters(user, request.GET, LEVELS)
    if filters.scope is None:
        return refused_page(request, filters)
    try:
        page = level_report_page(found(_scope(filters)), request.GET.get("after", ""))
    except BadPageError as error:
        return refused_page(request, filters, f"{error}.")
    return page_of(request, "report", filters, page=page)


@require_safe
@login_required
def level_file(request: HttpRequest, slug: str, extension: str) -> HttpResponseBase:
    user, found = _reader(request), _report(slug)
    if not user.has_perm(SEES_LEVELS):
        return _no_access(request)
    filters = read_filters(user, request.GET, LEVELS)
    if filters.scope is None:
        text = "\n".join([_("No file was made:"), *filters.errors, ""])
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    return file_of(found(_scope(filters)), extension)


@require_safe
@login_required
def level_window(request: HttpRequest, public_id: UUID) -> HttpResponse:
    user = _reader(request)
    if not user.has_perm(SEES_LEVELS):
        return _no_access(request)
    scope = _scope(read_filters(user, {}, LEVELS))
    page = window_page(scope, public_id)
    if page is None:
        raise Http404
    return render(request, "tracker/service_level_window.html", {"page": page})


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)


def _scope(filters: Filters) -> LevelScope:
    return cast(LevelScope, filters.scope)


def _report(slug: str) -> type[LevelReport]:
    try:
        return cast(type[LevelReport], level_reports()[slug])
    except KeyError as error:
        raise Http404 from error


def _no_access(request: HttpRequest) -> HttpResponse:
    return render(request, "tracker/no_access_levels.html", status=403)
