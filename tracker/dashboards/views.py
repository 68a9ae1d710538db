from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from engagements.models import User
from engagements.permissions import sees_money
from engagements.values.language import translated
from tracker.dashboards.downloads import csv_lines, xlsx_file
from tracker.dashboards.filters import CLOSED_PERIODS, Filters, read_filters
from tracker.dashboards.freshness import finance_etag, freshness_of
from tracker.dashboards.kept import keep_content, kept_content, rendered
from tracker.dashboards.landing import front_door
from tracker.dashboards.overview import FINANCE
from tracker.dashboards.pages import (
    EmptyPage,
    chart_of,
    chips,
    finance_page,
    index_page,
    presets,
    report_page,
    report_paper,
)
from tracker.dashboards.pages import report_card as card_of
from tracker.dashboards.paper.charts import standalone
from tracker.dashboards.paper.printing import NoPrinterError, png_of
from tracker.dashboards.part import Part
from tracker.dashboards.report import BadPageError, Report, all_reports
from tracker.dashboards.saved.forms import shared_choices
from tracker.dashboards.scope import Scope

PLAIN = "text/plain; charset=utf-8"
PDF_TYPE = "application/pdf"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@front_door
@cache_control(private=True, no_cache=True)
@condition(etag_func=finance_etag)
def finance(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    if not sees_money(user):
        return _no_access(request)
    name = freshness_of(request).content
    content = kept_content(name)
    if content is None:
        filters = read_filters(user, request.GET)
        if filters.scope is None:
            return refused_page(request, filters)
        page = finance_page(filters.scope)
        if isinstance(page, EmptyPage):
            return page_of(request, "empty", filters, page=page, save_as=FINANCE.key)
        context = _context(request, filters, page=page, save_as=FINANCE.key)
        made = rendered(request, "tracker/_finance.html", context, page.title)
        content = keep_content(name, made)
    shown = {"title": content.title, "content": content.html(request)}
    return render(request, "tracker/finance.html", shown)


@require_safe
@login_required
def reports(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    if not sees_money(user):
        return _no_access(request)
    filters = read_filters(user, request.GET)
    if filters.scope is None:
        return refused_page(request, filters)
    return page_of(request, "reports", filters, page=index_page(filters.scope))


@require_safe
@login_required
def report(request: HttpRequest, slug: str) -> HttpResponse:
    user = _reader(request)
    found = _report(slug)
    if not found.has_page:
        raise Http404
    if not sees_money(user):
        return _no_access(request)
    filters = read_filters(user, request.GET)
    if filters.scope is None:
        return refused_page(request, filters)
    if found.compares and not filters.scope.period.is_closed:
        return refused_page(request, filters, translated(CLOSED_PERIODS))
    frame = FINANCE.frame(filters.scope)
    try:
        page = report_page(found(filters.scope), request.GET.get("after", ""), frame)
    except BadPageError as error:
        return refused_page(request, filters, f"{error}.")
    return page_of(
        request,
        "report",
        filters,
        page=page,
        is_comparison=found.compares,
        save_as=slug,
    )


@require_safe
@login_required
def finance_paper_file(request: HttpRequest) -> HttpResponseBase:
    user = _reader(request)
    if not sees_money(user):
        return _no_access(request)
    filters = read_filters(user, request.GET)
    if filters.scope is None or filters.unread:
        return refused_file(filters)
    return paper_of(FINANCE, filters.scope)


def paper_of(part: Part, scope: Scope) -> HttpResponseBase:
    """Answer with the part's page as PDF."""
    try:
        made = part.paper(scope).pdf()
    except NoPrinterError as error:
        return HttpResponse(f"{error}.", status=503, content_type=PLAIN)
    response = HttpResponse(made, content_type=PDF_TYPE)
    return _as_file(response, f"{part.file_stem}.pdf")


@require_safe
@login_required
@cache_control(private=True, no_cache=True)
@condition(etag_func=finance_etag)
def report_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with one card of a page, for the page's script to put in its place."""
    user = _reader(request)
    found = _report(slug)
    if not found.has_page:
        raise Http404
    if not sees_money(user):
        return _no_access(request)
    name = freshness_of(request).content
    content = kept_content(name)
    if content is None:
        filters = read_filters(user, request.GET)
        scope = filters.scope
        if scope is None or (found.compares and not scope.period.is_closed):
            return refused_page(request, filters)
        context = {"section": card_of(found(scope))}
        made = rendered(request, "tracker/_section.html", context)
        content = keep_content(name, made)
    return HttpResponse(content.html(request))


@require_safe
@login_required
def report_file(request: HttpRequest, slug: str, extension: str) -> HttpResponseBase:
    user = _reader(request)
    found = _report(slug)
    if not sees_money(user):
        return _no_access(request)
    filters = read_filters(user, request.GET)
    if filters.scope is None or filters.unread:
        return refused_file(filters)
    if found.compares and not filters.scope.period.is_closed:
        return HttpResponse(translated(CLOSED_PERIODS), status=400, content_type=PLAIN)
    return file_of(found(filters.scope), extension, FINANCE)


def refused_file(filters: Filters) -> HttpResponse:
    text = "\n".join([_("No file was made:"), *filters.errors, *filters.unread, ""])
    return HttpResponse(text, status=400, content_type=PLAIN)


def file_of(report: Report, extension: str, part: Part) -> HttpResponseBase:
    """Answer with the report's file; raises Http404 where it has none of the kind."""
    try:
        response = _filled(report, extension, part)
    except NoPrinterError as error:
        return HttpResponse(f"{error}.", status=503, content_type=PLAIN)
    except BadPageError as error:
        return HttpResponse(f"{error}.", status=400, content_type=PLAIN)
    return _as_file(response, f"{report.slug}.{extension}")


def _filled(report: Report, extension: str, part: Part) -> HttpResponseBase:
    match extension:
        case "csv":
            report.ordered()
            return StreamingHttpResponse(
                csv_lines(report), content_type="text/csv; charset=utf-8"
            )
        case "xlsx" if not report.has_xlsx:
            raise Http404
        case "xlsx":
            return HttpResponse(xlsx_file([report]), content_type=XLSX_TYPE)
        case "pdf":
            made = report_paper(report, part.frame(report.scope)).pdf()
            return HttpResponse(made, content_type=PDF_TYPE)
    drawing = chart_of(report)
    if drawing is None:
        raise Http404
    alone = standalone(drawing.wide)
    if extension == "svg":
        return HttpResponse(alone, content_type="image/svg+xml; charset=utf-8")
    return HttpResponse(png_of(alone), content_type="image/png")


def _as_file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _reader(request: HttpRequest) -> User:
    """Return the user, whom `login_required` has let in."""
    return cast(User, request.user)


def _report(slug: str) -> type[Report]:
    try:
        return all_reports()[slug]
    except KeyError as error:
        raise Http404 from error


def _no_access(request: HttpRequest) -> HttpResponse:
    return render(request, "tracker/no_access.html", status=403)


def refused_page(request: HttpRequest, filters: Filters, *more: str) -> HttpResponse:
    errors = [*filters.errors, *more]
    return page_of(request, "refused", filters, status=400, errors=errors)


def page_of(
    request: HttpRequest,
    template: str,
    filters: Filters,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Answer with a page; `save_as` in the context is by what it can be saved."""
    found = _context(request, filters, **context)
    return render(request, f"tracker/{template}.html", found, status=status)


def _context(request: HttpRequest, filters: Filters, **context: Any) -> dict[str, Any]:
    path = request.path
    if "save_as" in context and sees_money(_reader(request)):
        context["shared_choices"] = shared_choices()
    return context | {
        "filters": filters,
        "presets": presets(filters, path, settings.FISCAL_YEAR_START_MONTH),
        "chips": chips(filters, path),
        "path": path,
    }
