"""Every report with every filter of its pages, and what of the company tries each."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.conf import settings

from engagements.choices import Kind
from engagements.models import (
    CostCentre,
    Department,
    Engagement,
    Service,
    User,
    Vendor,
)
from tracker.dashboards.filters import DIVISIONS, label_of, read_filters
from tracker.dashboards.periods import preset_titles
from tracker.dashboards.places import Place
from tracker.dashboards.report import Report
from tracker.spend.queries import BASES

Asked = dict[str, str]
Figures = tuple[int, list[tuple[str, ...]]]
# Enough to tell one filter from another; some reports have thousands.
ROWS_COMPARED = 300
# Of what changes nothing, so many values are believed.
TRIED = 2
CLOSED = {"from": "2026-01", "to": "2026-06"}
BASE = {"base_from": "2025-01", "base_to": "2025-06"}


def unfiltered(place: Place, user: User) -> Asked:
    """Return the least that fills the report with rows."""
    if report_class(place).compares:
        return CLOSED | BASE
    whole = {"whose": "all"} if place.part.name == "my" else {}
    found = figures(place, user, whole)
    return whole if found and found[0] else whole | {"period": "all"}


def report_of(place: Place, user: User, asked: Asked) -> Report | None:
    """Return the report; None where what is asked is refused in words."""
    filters = read_filters(user, asked, place.part.asking)
    assert filters.scope is not None or filters.errors
    if filters.scope is None:
        return None
    found = report_class(place)(filters.scope)
    # Which the pages refuse.
    is_open = found.compares and not filters.scope.period.is_closed
    return None if is_open else found


def figures(place: Place, user: User, asked: Asked) -> Figures | None:
    """Return how many rows there are and the first; None where it is refused."""
    report = report_of(place, user, asked)
    if report is None:
        return None
    rows = islice(report.rows(), ROWS_COMPARED)
    return report.row_count(), [tuple(map(str, row.values)) for row in rows]


def changes(place: Place, user: User, name: str, asked: Asked) -> bool:
    """Tell whether any value of the filter changes what the report says."""
    is_idle = name in report_class(place).idle_filters()
    pairs = tried(place, name, asked)
    known: dict[tuple[str, ...], Figures | None] = {}
    for without, narrowed in islice(pairs, TRIED) if is_idle else pairs:
        key = tuple(without.values())
        if key not in known:
            known[key] = figures(place, user, without)
        found = figures(place, user, narrowed)
        if found is not None and found != known[key]:
            return True
    return False


def is_told(place: Place, user: User, name: str, asked: Asked) -> bool:
    """Tell whether the page says of the filter's values that they change nothing."""
    for _without, narrowed in islice(tried(place, name, asked), TRIED):
        report = report_of(place, user, narrowed)
        if report is not None and label_of(name) not in report.unfollowed():
            return False
    return True


def report_class(place: Place) -> type[Report]:
    assert place.report is not None
    return place.report


def tried(place: Place, name: str, asked: Asked) -> Iterator[tuple[Asked, Asked]]:
    """Yield what is asked without and with the filter, value by value."""
    if name == "direct":
        for code in Department.objects.values_list("code", flat=True):
            narrowed = asked | {"department": code}
            yield narrowed, narrowed | {"direct": "yes"}
        return
    # Months that are given go before a named period.
    others = {
        "period": ("from", "to"),
        "from": ("period",),
        "to": ("period",),
        "whose": ("whose",),
    }
    rest = {key: asked[key] for key in asked if key not in others.get(name, ())}
    for value in values_of(place, name):
        yield asked if name == "period" else rest, rest | {name: value}


def values_of(place: Place, name: str) -> Sequence[str]:
    records = {
        "department": (Department, "code"),
        "cost_centre": (CostCentre, "code"),
        "vendor": (Vendor, "public_id"),
        "engagement": (Engagement, "public_id"),
        "service": (Service, "public_id"),
    }
    if name in records:
        model, field = records[name]
        found = model._default_manager.values_list(field, flat=True)
        return [str(one) for one in found]
    words = {
        "period": list(preset_titles(settings.FISCAL_YEAR_START_MONTH)),
        "from": ["2026-04", "2026-10", "2026-12"],
        "to": ["2026-10", "2026-03", "2025-06"],
        "base_from": ["2025-03", "2025-05"],
        "base_to": ["2025-05", "2025-07"],
        "model": Kind.values,
        "basis": list(BASES),
        "by": list(DIVISIONS),
    }
    if name in words:
        return words[name]
    scope = place.part.asking.form({}).fields[name]
    choice = getattr(scope, "choice", None)
    assert choice is not None, f"Nothing is known to try {name} with."
    return list(choice.values)
