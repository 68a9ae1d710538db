from datetime import timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from engagements.models import User
from tracker.notify.calendar_file import Entry, calendar_file
from tracker.notify.dates import Dated, dates_seen_by
from tracker.notify.digest import consequence, digest_line
from tracker.notify.due import DAYS_AHEAD
from tracker.notify.mails import language_of
from tracker.notify.queries import feed_of, feed_owner
from tracker.notify.recipients import sees_contractors
from tracker.notify.services import renew_feed, turn_off_feed, unsubscribe
from tracker.notify.unsubscribing import read_token
from tracker.notify.wording import Line


@require_safe
@never_cache
@login_required
def calendar(request: HttpRequest) -> HttpResponse:
    found = feed_of(_reader(request))
    address = ""
    if found:
        path = reverse("tracker:calendar-feed", args=[found.token])
        address = request.build_absolute_uri(path)
    context = {
        "feed": found,
        "address": address,
        "dates": _coming(_reader(request)),
        "days_ahead": DAYS_AHEAD,
    }
    return render(request, "tracker/notify/calendar.html", context)


def _coming(reader: User) -> list[Line]:
    today = timezone.localdate()
    until = today + timedelta(days=DAYS_AHEAD)
    names_people = sees_contractors(reader)
    return [
        digest_line(*dated, today=today, is_escalation=False, names_people=names_people)
        for dated in dates_seen_by(reader, today)
        if today <= dated.deadline.falls_on <= until
    ]


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
    dates = dates_seen_by(owner, timezone.localdate())
    with language_of(owner):
        content = calendar_file([_entry(request, dated) for dated in dates])
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="deadlines.ics"'
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """End mails of a kind by POST alone: mail programs and scanners open links.

    No login and no token against forgery, as RFC 8058 has it: the address is the key.
    """
    found = read_token(token)
    if found is None:
        raise Http404
    user, mailing = found
    if request.method == "POST":
        unsubscribe(user=user, mailing=mailing, actor=user)
    context = {"mailing": mailing.value, "is_done": request.method == "POST"}
    return render(request, "tracker/notify/unsubscribe.html", context)


def _entry(request: HttpRequest, dated: Dated) -> Entry:
    """Return the date without any contractor's name: the address needs no login."""
    engagement, deadline = dated
    path = reverse("admin:engagements_engagement_change", args=[engagement.pk])
    name = f"{deadline.name}, {engagement}" if deadline.name else str(engagement)
    return Entry(
        public_id=engagement.public_id,
        kind=deadline.kind,
        falls_on=deadline.falls_on,
        name=name,
        description=(
            f"{engagement.vendor.legal_name}\n{consequence(engagement, deadline)}"
        ),
        address=request.build_absolute_uri(path),
        version=engagement.version,
        changed_at=engagement.updated_at,
        subject_id=deadline.subject_id,
    )


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)
