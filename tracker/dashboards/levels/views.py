from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engagements.models import User
from tracker.dashboards.filters import read_filters
from tracker.dashboards.levels.pages import SERVICE_LEVELS, window_page
from tracker.dashboards.levels.scope import LevelScope


@require_safe
@login_required
def level_window(request: HttpRequest, public_id: UUID) -> HttpResponse:
    # Whom `login_required` has let in.
    user = cast(User, request.user)
    if not SERVICE_LEVELS.may_open(user):
        return render(request, SERVICE_LEVELS.no_access, status=403)
    scope = read_filters(user, {}, SERVICE_LEVELS.asking).scope
    page = window_page(cast(LevelScope, scope), public_id)
    if page is None:
        raise Http404
    return render(request, "tracker/service_level_window.html", {"page": page})
