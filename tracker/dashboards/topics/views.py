from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engagements.models import User
from tracker.dashboards.filters import read_filters
from tracker.dashboards.pages import downloads
from tracker.dashboards.report import BadPageError, Report
from tracker.dashboards.topics.page import Topic
from tracker.dashboards.topics.scope import TopicScope
from tracker.dashboards.views import file_of, page_of, refused_page


@require_safe
@login_required
def topic_page(request: HttpRequest, topic: Topic) -> HttpResponse:
    user = _reader(request)
    if not topic.may_open(user):
        return _no_access(request)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None:
        return refused_page(request, filters)
    page = topic.page(cast(TopicScope, filters.scope))
    return page_of(request, "topic", filters, page=page, topic=topic)


@require_safe
@login_required
def topic_report(request: HttpRequest, topic: Topic, slug: str) -> HttpResponse:
    user, found = _reader(request), _report(topic, slug)
    if not topic.may_open(user):
        return _no_access(request)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None:
        return refused_page(request, filters)
    try:
        page = topic.report_page(found(filters.scope), request.GET.get("after", ""))
    except BadPageError as error:
        return refused_page(request, filters, f"{error}.")
    return page_of(request, "topic_report", filters, page=page, topic=topic)


@require_safe
@login_required
def topic_file(
    request: HttpRequest, topic: Topic, slug: str, extension: str
) -> HttpResponseBase:
    user, found = _reader(request), _report(topic, slug)
    if not topic.may_open(user):
        return _no_access(request)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None:
        text = "\n".join(["No file was made:", *filters.errors, ""])
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    report = found(filters.scope)
    if extension not in {link.title.lower() for link in downloads(report)}:
        raise Http404
    return file_of(report, extension)


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)


def _report(topic: Topic, slug: str) -> type[Report]:
    try:
        return topic.by_slug[slug]
    except KeyError as error:
        raise Http404 from error


def _no_access(request: HttpRequest) -> HttpResponse:
    return render(request, "tracker/no_access.html", status=403)
