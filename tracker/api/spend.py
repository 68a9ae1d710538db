"""Spend by one dimension, and every report, from the class that draws its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from orjson import Fragment
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Kind
from engagements.permissions import open_money
from tracker.api import fields
from tracker.api.errors import CursorRefused, Unprocessable
from tracker.api.formats import encode
from tracker.api.permissions import caller, has_scope, is_hr_key
from tracker.api.resource import Resource, Row, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.dashboards.answers import answers, total_answer
from tracker.dashboards.filters import CLOSED_PERIODS, Filters, read_filters
from tracker.dashboards.freshness import content_name
from tracker.dashboards.kept import keep_answer, kept_answer
from tracker.dashboards.own.reports import ALL
from tracker.dashboards.periods import PRESETS
from tracker.dashboards.periods import Period as Months
from tracker.dashboards.places import Place, report_places
from tracker.dashboards.report import BadPageError, Report
from tracker.dashboards.scope import COMPARISONS
from tracker.fit.criteria import recordable_criteria
from tracker.fit.data_gaps import FACTS
from tracker.fit.verdict import Verdict
from tracker.spend.queries import BASES, last_posted_at

MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
GROUPS: Mapping[str, str] = {
    "vendor": "vendors",
    "cost_center": "cost-centres",
    "department": "departments",
    "service": "services",
    "model": "models",
    "month": "months",
}
ANY_TIME = Months(None, None)
# Where the address has another name than the pages.
PAGE_NAMES = {"cost_center": "cost_centre"}
API_NAMES = {page: name for name, page in PAGE_NAMES.items()}


class FilterRefused(Unprocessable):
    """A filter names what there isn't, or what the caller can't see."""

    is_about_query = True


class Month(fields.Patterned):
    pattern = MONTH
    wanted = "a month such as 2026-10"


class ReportQuery(fields.StrictShape):
    """The filters of the finance pages. Without months it is the last twelve."""

    period = fields.Word(PRESETS, required=False)
    department = fields.Line(max_length=40, required=False)
    vendor = fields.Identifier(required=False)
    engagement = fields.Identifier(required=False)
    service = fields.Identifier(required=False)
    cost_center = fields.Line(max_length=40, required=False, help_text="Its code.")
    model = fields.Word(Kind.values, required=False)
    basis = fields.Word(BASES, required=False)
    compare = fields.Word(
        COMPARISONS,
        required=False,
        help_text="Adds what each row is held against; refused where there is none.",
    )
    sort = fields.Patterned(
        pattern=r"^-?[a-z][a-z0-9_]*$",
        wanted="a column's name, after a minus sign the largest first",
        max_length=60,
        required=False,
    )
    fact = fields.Word(
        [fact.code for fact in FACTS],
        required=False,
        help_text="What is missing; of the reports of data quality.",
    )
    verdict = fields.Word(Verdict, required=False, help_text="Of the reports of fit.")
    missing = fields.Word(
        [each.code for each in recordable_criteria()],
        required=False,
        help_text="A fact that is not recorded; of the reports of fit.",
    )
    whose = fields.Word(
        [ALL],
        required=False,
        help_text="Without it the reports “my-…” tell of what the caller manages.",
    )
    cursor = fields.Patterned(
        pattern=r"^[A-Za-z0-9.-]+$",
        wanted="next_cursor as it was answered",
        min_length=1,
        max_length=100,
        required=False,
        help_text="The page after: `next_cursor` of the page before, same filters.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # “from” is no name that a class body can hold.
        first = Month(required=False, help_text="First month, such as 2026-04.")
        last = Month(required=False, help_text="Last month, included.")
        return {"from": first, "to": last, **super().get_fields()}


class SpendQuery(ReportQuery):
    group_by = fields.Word(GROUPS)


class Period(serializers.Serializer[Any]):
    """Months, both included; null where it is open."""

    first_month = serializers.CharField(allow_null=True)
    last_month = serializers.CharField(allow_null=True)


class ReportAnswer(serializers.Serializer[Any]):
    """One page of a report: what its CSV and XLSX have, amounts as text."""

    report = serializers.CharField()
    title = serializers.CharField()
    period = Period()
    currency = serializers.CharField(help_text="Of amounts without one beside them.")
    posted_at = serializers.DateTimeField(
        allow_null=True, help_text="The last posting that the figures contain."
    )
    results = serializers.ListField(child=serializers.DictField())
    totals = serializers.DictField(
        allow_null=True, help_text="Over all pages, of what adds up."
    )
    next_cursor = serializers.CharField(allow_null=True)


class ReportName(serializers.Serializer[Any]):
    report = serializers.CharField()
    title = serializers.CharField()
    part = serializers.CharField(help_text="The pages that it belongs to.")
    filters = serializers.ListField(
        child=serializers.CharField(), help_text="What it may be asked for."
    )
    url = serializers.CharField()


class ReportNames(serializers.Serializer[Any]):
    results = ReportName(many=True)


class SpendResource(Resource):
    """What is told of spend; a key's scope opens it to the HR integration."""

    noun = "spend"
    read_permissions = ("tracker.view_ledgerentry",)
    write_permissions = ("tracker.view_ledgerentry",)
    opens_to_hr_keys = True
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head")

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if is_hr_key(request):
            open_money(caller(request))


class SpendView(SpendResource):
    @extend_schema(
        operation_id="read_spend",
        parameters=[SpendQuery, IF_NONE_MATCH],
        responses=one(ReportAnswer),
    )
    def list(self, request: Request) -> Response:
        """Read spend without tax, in the reporting currency, by one dimension.

        It is of booked months, and equals the page, the CSV and the XLSX to the cent.
        """
        query = read_query(request, SpendQuery)
        place = report_places()[GROUPS[query["group_by"]]]
        _check_access(request, place)
        name = content_name(caller(request), request.get_full_path())
        body = kept_answer(name)
        if body is None:
            body = keep_answer(name, encode(_answer(request, place, query)))
        return respond(request, Fragment(body))


class ReportView(SpendResource):
    @extend_schema(
        operation_id="list_reports",
        parameters=[IF_NONE_MATCH],
        responses=one(ReportNames),
    )
    def list(self, request: Request) -> Response:
        """List the reports that the caller may read."""
        read_query(request, fields.StrictShape)
        names = [
            {
                "report": slug,
                "title": place.title,
                "part": place.part.name,
                "filters": _filters_of(place),
                "url": reverse("api:report", args=[slug]),
            }
            for slug, place in sorted(report_places().items())
            if place.may_open(caller(request)) and not _lacking(request, place)
        ]
        return respond(request, {"results": names})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A report takes filters, where a record would take no parameter at all.
        action, self.action = self.action, "list"
        super().initial(request, *args, **kwargs)
        self.action = action

    @extend_schema(
        operation_id="read_report",
        parameters=[
            OpenApiParameter("report", str, OpenApiParameter.PATH),
            ReportQuery,
            IF_NONE_MATCH,
        ],
        responses=ReportAnswer,
    )
    def retrieve(self, request: Request, report: str) -> Response:
        """Read one report: the rows of its page and its files."""
        query = read_query(request, ReportQuery)
        place = report_places().get(report)
        if place is None:
            raise Http404
        _check_access(request, place)
        return respond(request, _answer(request, place, query))


def _answer(request: Request, place: Place, query: Mapping[str, Any]) -> Row:
    asked = _as_pages_ask(query)
    _check_filters(place, asked)
    found = _read(place, read_filters(caller(request), asked, place.part.asking))
    try:
        page = found.ordered_page(query.get("cursor", ""))
    except BadPageError as error:
        name = "sort" if "sort" in query and "cursor" not in query else "cursor"
        raise CursorRefused({name: [f"{error}."]}) from error
    scope, period = found.scope, found.scope.period
    if not place.part.has_period:
        period = ANY_TIME
    return {
        "report": found.slug,
        "title": found.heading,
        "period": {
            "first_month": _month(period.first),
            "last_month": _month(period.last),
        },
        "currency": scope.notation.currency,
        "posted_at": last_posted_at(),
        "results": answers(found, page.rows),
        "totals": total_answer(found) or None,
        "next_cursor": page.after or None,
    }


def _filters_of(place: Place) -> list[str]:
    return [
        API_NAMES.get(name, name)
        for name in place.part.asking.parameters
        if name not in _idle(place)
        if API_NAMES.get(name, name) in ReportQuery().fields
    ]


def _idle(place: Place) -> frozenset[str]:
    return place.report.idle_filters() if place.report else frozenset()


def _lacking(request: Request, place: Place) -> str:
    """Return a scope that the report needs and the key lacks; "" where none."""
    wanted = place.report.also_reads if place.report else ()
    return next((scope for scope in wanted if not has_scope(request, scope)), "")


def _check_access(request: Request, place: Place) -> None:
    if scope := _lacking(request, place):
        raise PermissionDenied(f"This key lacks the scope {scope}.")
    if not place.may_open(caller(request)):
        raise PermissionDenied("The key's owner may not read this report.")


def _check_filters(place: Place, asked: Mapping[str, str]) -> None:
    """Refuse a filter that the report would leave unread; raises FilterRefused."""
    taken = {*place.part.asking.parameters} - _idle(place)
    unread = asked.keys() - {"cursor", "group_by"} - taken
    if unread:
        raise FilterRefused(
            {
                API_NAMES.get(name, name): [
                    ErrorDetail("This report takes no such filter.", "unknown")
                ]
                for name in sorted(unread)
            }
        )


def _read(place: Place, filters: Filters) -> Report:
    if filters.scope is None:
        raise FilterRefused(
            {
                API_NAMES.get(name, name): [
                    ErrorDetail(str(message), "invalid") for message in messages
                ]
                for name, messages in filters.form.errors.items()
            }
        )
    report = place.report
    if report is None:
        raise Http404
    if report.compares and not filters.scope.period.is_closed:
        raise FilterRefused({"period": [ErrorDetail(CLOSED_PERIODS, "open_period")]})
    found = report(filters.scope)
    if said := found.uncompared():
        raise FilterRefused({"compare": [ErrorDetail(said, "invalid")]})
    return found


def _as_pages_ask(query: Mapping[str, Any]) -> dict[str, str]:
    return {PAGE_NAMES.get(name, name): str(value) for name, value in query.items()}


def _month(day: Any) -> str | None:
    return None if day is None else f"{day:%Y-%m}"
