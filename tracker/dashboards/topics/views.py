from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engagements.models import User
from tracker.dashboards.filters import read_filters
from tracker.dashboards.pages import report_page
from tracker.dashboards.report import BadPageError, Report
from tracker.dashboards.topics.page import Topic
from tracker.dashboards.topics.scope import TopicScope
from tracker.dashboards.views import (
    file_of,
    page_of,
    paper_of,
    refused_file,
    refused_page,
)


@require_safe
@login_required
def topic_page(request: HttpRequest, topic: Topic) -> HttpResponse:
    user = _reader(request)
    if not topic.may_open(user):
        return _no_access(request, topic)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None:
        return refused_page(request, filters)
    scope = cast(TopicScope, filters.scope)
    page = topic.page(scope)
    return page_of(
        request,
        "topic",
        filters,
        page=page,
        paper_href=scope.paper_url() if page.sections else "",
        topic=topic,
        save_as=topic.key,
    )


@require_safe
@login_required
def topic_report(request: HttpRequest, topic: Topic, slug: str) -> HttpResponse:
    user, found = _reader(request), _report(topic, slug)
    if not topic.may_open(user):
        return _no_access(request, topic)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None:
        return refused_page(request, filters)
    report, frame = found(filters.scope), topic.frame(filters.scope)
    try:
        page = report_page(report, request.GET.get("after", ""), frame)
    except BadPageError as error:
        return refused_page(request, filters, f"{error}.")
    return page_of(
        request, "topic_report", filters, page=page, topic=topic, save_as=slug
    )


@require_safe
@login_required
def topic_paper(request: HttpRequest, topic: Topic) -> HttpResponseBase:
    user = _reader(request)
    if not topic.may_open(user):
        return _no_access(request, topic)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None or filters.unread:
        return refused_file(filters)
    return paper_of(topic, filters.scope)


@require_safe
@login_required
def topic_file(
    request: HttpRequest, topic: Topic, slug: str, extension: str
) -> HttpResponseBase:
    user, found = _reader(request), _report(topic, slug)
    if not topic.may_open(user):
        return _no_access(request, topic)
    filters = read_filters(user, request.GET, topic.asking)
    if filters.scope is None or filters.unread:
        return refused_file(filters)
    return file_of(found(filters.scope), extension, topic)


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)


def _report(topic: Topic, slug: str) -> type[Report]:
    try:
        return topic.by_slug[slug]
    except KeyError as error:
        raise Http404 from error


def _no_access(request: HttpRequest, topic: Topic) -> HttpResponse:
    return render(request, topic.no_access, status=403)
