from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from engagements.models import Engagement, User
from tracker.notify.calendar_file import Entry, calendar_file
from tracker.notify.digest import outcome
from tracker.notify.due import deadlines_of
from tracker.notify.queries import feed_engagements, feed_of, feed_owner
from tracker.notify.services import renew_feed, turn_off_feed


@require_safe
@never_cache
@login_required
def calendar(request: HttpRequest) -> HttpResponse:
    found = feed_of(_reader(request))
    address = ""
    if found:
        path = reverse("tracker:calendar-feed", args=[found.token])
        address = request.build_absolute_uri(path)
    context = {"feed": found, "address": address}
    return render(request, "tracker/notify/calendar.html", context)


@require_POST
@login_required
def renew(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    renew_feed(user=user, actor=user)
    return redirect("tracker:calendar")


@require_POST
@login_required
def turn_off(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    turn_off_feed(user=user, actor=user)
    return redirect("tracker:calendar")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a calendar program, which can't log in: the address is the key."""
    owner = feed_owner(token)
    if owner is None:
        raise Http404
    entries = [
        entry
        for engagement in feed_engagements(owner)
        for entry in _entries(request, engagement)
    ]
    response = HttpResponse(
        calendar_file(entries), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = 'inline; filename="deadlines.ics"'
    response["Cache-Control"] = "private, no-store"
    return response


def _entries(request: HttpRequest, engagement: Engagement) -> list[Entry]:
    path = reverse("admin:engagements_engagement_change", args=[engagement.pk])
    return [
        Entry(
            public_id=engagement.public_id,
            kind=deadline.kind,
            falls_on=deadline.falls_on,
            name=str(engagement),
            description=f"{engagement.vendor.legal_name}\n{outcome(engagement)}",
            address=request.build_absolute_uri(path),
            version=engagement.version,
            changed_at=engagement.updated_at,
        )
        for deadline in deadlines_of(
            notice_given_on=engagement.notice_given_on,
            notice_deadline_on=engagement.notice_deadline_on,
            term_ends_on=engagement.term_ends_on,
        )
    ]


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)
