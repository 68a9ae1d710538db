"""Spend by one dimension, and every report, from the class that draws its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.choices import Kind
from tracker.api import fields
from tracker.api.errors import CursorRefused, Unprocessable
from tracker.api.permissions import caller
from tracker.api.resource import Resource, Row, read_query, respond
from tracker.api.schema import IF_NONE_MATCH, one
from tracker.dashboards.answers import answers, total_answer
from tracker.dashboards.filters import CLOSED_PERIODS, Filters, read_filters
from tracker.dashboards.periods import PRESETS
from tracker.dashboards.report import BadPageError, Report, all_reports
from tracker.dashboards.scope import COMPARISONS
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
        help_text="Adds what each row is held against, where there is such.",
    )
    sort = fields.Patterned(
        pattern=r"^-?[a-z][a-z0-9_]*$",
        wanted="a column's name, after a minus sign the largest first",
        max_length=60,
        required=False,
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
    url = serializers.CharField()


class ReportNames(serializers.Serializer[Any]):
    results = ReportName(many=True)


class SpendView(Resource):
    noun = "spend"
    read_permissions = ("tracker.view_ledgerentry",)
    write_permissions = ("tracker.view_ledgerentry",)
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head")

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
        report = all_reports()[GROUPS[query["group_by"]]]
        return _answered(request, report, query)


class ReportView(Resource):
    noun = "spend"
    read_permissions = ("tracker.view_ledgerentry",)
    write_permissions = ("tracker.view_ledgerentry",)
    names: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head")

    @extend_schema(
        operation_id="list_reports",
        parameters=[IF_NONE_MATCH],
        responses=one(ReportNames),
    )
    def list(self, request: Request) -> Response:
        """List the reports there are."""
        read_query(request, fields.StrictShape)
        names = [
            {
                "report": slug,
                "title": str(report.title),
                "url": reverse("api:report", args=[slug]),
            }
            for slug, report in sorted(all_reports().items())
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
        found = all_reports().get(report)
        if found is None:
            raise Http404
        return _answered(request, found, query)


def _answered(
    request: Request, report: type[Report], query: Mapping[str, Any]
) -> Response:
    filters = read_filters(caller(request), _as_pages_ask(query))
    found = _read(report, filters)
    try:
        page = found.ordered_page(query.get("cursor", ""))
    except BadPageError as error:
        name = "sort" if "sort" in query and "cursor" not in query else "cursor"
        raise CursorRefused({name: [f"{error}."]}) from error
    scope = found.scope
    answer: Row = {
        "report": report.slug,
        "title": str(report.title),
        "period": {
            "first_month": _month(scope.period.first),
            "last_month": _month(scope.period.last),
        },
        "currency": scope.notation.currency,
        "posted_at": last_posted_at(),
        "results": answers(found, page.rows),
        "totals": total_answer(found) or None,
        "next_cursor": page.after or None,
    }
    return respond(request, answer)


def _read(report: type[Report], filters: Filters) -> Report:
    if filters.scope is None:
        raise FilterRefused(
            {
                API_NAMES.get(name, name): [
                    ErrorDetail(str(message), "invalid") for message in messages
                ]
                for name, messages in filters.form.errors.items()
            }
        )
    if report.compares and not filters.scope.period.is_closed:
        raise FilterRefused({"period": [ErrorDetail(CLOSED_PERIODS, "open_period")]})
    return report(filters.scope)


def _as_pages_ask(query: Mapping[str, Any]) -> dict[str, str]:
    return {PAGE_NAMES.get(name, name): str(value) for name, value in query.items()}


def _month(day: Any) -> str | None:
    return None if day is None else f"{day:%Y-%m}"
