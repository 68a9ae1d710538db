"""What has changed in the API, newest first; also a page of the guide."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from tracker.api.formats import encode
from tracker.api.preconditions import etag_of


@dataclass(frozen=True)
class Entry:
    """One change; within a version they only add, until one is marked `sunset`."""

    on: date
    version: str
    kind: Literal["added", "changed", "deprecated", "sunset", "fixed"]
    text: str


ENTRIES = (
    Entry(
        date(2026, 11, 23),
        "v1",
        "changed",
        "A request that breaks the schema is 400 whatever its `Idempotency-Key` was"
        " used for before; it was 422.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "The role *HR integration* reads cost centers and services, and with the scopes"
        " for it spend, reports and model flags.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "added",
        "Departments, cost centers, services, people and contractors, the latter also"
        " in batches; rate and fee terms; timesheet entries; imports; this changelog.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "added",
        "`POST` on engagements and vendors, beside the upsert by external id.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "added",
        "`deleted` in lists that are asked with `updated_since`.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "changed",
        "Lists without `updated_since` come in the order in which records came to be,"
        " so that a walk misses none and meets none twice while they are changed.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "added",
        "`/hris/v1`: employees, employments, timesheet entries and groups in the shape"
        " that tools for Merge read.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "added",
        "`GET /reports` has every table of vendors, cost centres, contractors, service"
        " levels, data quality and one's own page, with the filters it takes; those"
        " that tell more than spend ask for the scope of what they tell.",
    ),
    Entry(
        date(2026, 11, 22),
        "v1",
        "changed",
        "A filter or a comparison that a report can't follow is refused, where it was"
        " left unread.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "The tables of fit among the reports, with `verdict` and `missing`.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "changed",
        "A filter that the single report doesn't follow is refused, not only one that"
        " its pages don't take; `filters` of `GET /reports` lists what each follows.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`contractor`, `quantity` and `unit` on the lines of invoices. A line's charge"
        " is no longer `payment`: an invoice says what it charges.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`warnings` in the answer to a write of an invoice, an engagement, a rate or a"
        " fee that exceeds a budget which lets it pass.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`POST /timesheet-entries/{id}/withdraw` takes hours back, with a reason;"
        " entries have `withdrawn_at` and `withdrawn_reason`. Lists tell withdrawn ones"
        " with `updated_since` alone.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "changed",
        "Hours on a day outside of their engagement, or above 24 of a person's day on"
        " all engagements together, are refused.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "changed",
        "`leaning` of a model flag is null where only a date, such as a limit of"
        " tenure, asks for a decision.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "The reports `kept-outlooks` and `forecast-then`: what was committed and"
        " expected at month ends, beside what came.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "changed",
        "A line of the report `conversions` is of all that were converted together;"
        " `now` and `before` name them. It also tells `months_told`, `claimed`,"
        " `realised_by_now` and `why_nothing_is_told`.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`splits` in the assessment of a model flag: the parts of work that is mixed,"
        " what fits each, and the blend that they confirm.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`GET /assessments`, `GET /engagement-groups` and `GET /patterns`: what the fit"
        " engine says of every engagement, of groups with their recommended blend, and"
        " what records show beside fit; with the scope `assessments:read`.",
    ),
    Entry(
        date(2026, 11, 23),
        "v1",
        "added",
        "`window_months`, `engine_version` and `policy_version` in the assessment of a"
        " model flag.",
    ),
)


def answer() -> bytes:
    rows: list[dict[str, Any]] = [asdict(entry) for entry in ENTRIES]
    return encode({"results": rows})


def _etag(request: HttpRequest) -> str:
    return etag_of(answer())


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_etag)
def changelog(request: HttpRequest) -> HttpResponse:
    return HttpResponse(answer(), content_type="application/json")
