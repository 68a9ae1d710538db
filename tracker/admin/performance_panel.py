"""Performance on the engagement's page: each level by month, the score, credits."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.inputs import plain_number
from engagements.admin.panels import Panel, on_engagement_page
from engagements.choices import Kind
from engagements.models import Engagement, ServiceLevel, User
from engagements.permissions import sees_money
from engagements.values.money import format_money
from engagements.values.periods import add_months, month_of
from tracker.admin.performance import window_name
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.queries import results_of, vendor_scores
from tracker.performance.scorecard import Band, Score, Trend
from tracker.performance.service_levels import Outcome, shown

MONTHS = 12
# Read without colour, too.
SIGNS = {
    Outcome.MET.value: "✓",
    Outcome.MISSED.value: "✗",
    Outcome.NO_DATA.value: "·",
    Outcome.EXCUSED.value: "–",  # noqa: RUF001 - a sign, not a word
}
BANDS = {
    Band.EXCELLENT: (gettext_lazy("Excellent"), "success"),
    Band.GOOD: (gettext_lazy("Good"), "success"),
    Band.FAIR: (gettext_lazy("Fair"), "warning"),
    Band.POOR: (gettext_lazy("Poor"), "danger"),
}
TRENDS = {
    Trend.RISING: gettext_lazy("rising"),
    Trend.STEADY: gettext_lazy("steady"),
    Trend.FALLING: gettext_lazy("falling"),
}


@dataclass(frozen=True)
class Cell:
    sign: str
    outcome: str
    told: str


@dataclass(frozen=True)
class Row:
    name: str
    promise: str
    cells: list[Cell]


@on_engagement_page
def performance_panel(engagement: Engagement, user: User) -> Panel | None:
    """Results of the last twelve months, for who may see results."""
    if engagement.kind != Kind.MANAGED:
        return None
    if not user.has_perm("tracker.view_levelresult"):
        return None
    today = timezone.localdate()
    since = add_months(month_of(today), -MONTHS)
    results = list(
        results_of(user, [engagement.pk])
        .filter(window_from__gte=since)
        .order_by("window_from")
    )
    page = reverse("tracker:service-levels")
    body = render_to_string(
        "tracker/admin/performance_panel.html",
        {
            "rows": _rows(results),
            **_scored(engagement, user, today),
            "credits": _credits(engagement, user),
        },
    )
    return Panel(
        title=_("Performance, last 12 months"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=f"{page}?period=all&engagement={engagement.public_id}" if results else "",
        link_text=_("By month"),
    )


def _rows(results: list[LevelResult]) -> list[Row]:
    by_level: dict[ServiceLevel, list[LevelResult]] = {}
    for result in sorted(results, key=lambda one: one.service_level_id):
        by_level.setdefault(result.service_level, []).append(result)
    return [
        Row(
            level.name,
            f"{level.get_direction_display()} {plain_number(level.target)}"
            f" {level.unit}",
            [_cell(result) for result in sorted(found, key=lambda r: r.window_from)],
        )
        for level, found in by_level.items()
    ]


def _cell(result: LevelResult) -> Cell:
    told = f"{window_name(result)}: {result.get_outcome_display()}"
    if result.value is not None:
        told += f", {shown(result.value)} {result.service_level.unit}"
    return Cell(SIGNS[result.outcome], result.outcome, told)


def _scored(engagement: Engagement, user: User, today: date) -> dict[str, object]:
    vendors = vendor_scores(user, as_of=today, vendors=[engagement.vendor_id])
    vendor = vendors.get(engagement.vendor_id)
    score = vendor.engagements.get(engagement.pk) if vendor else None
    if score is None or score.value is None or score.band is None:
        return {"score": None}
    label, colour = BANDS[score.band]
    return {
        "score": f"{score.value:.0f}",
        "band": label,
        "band_colour": colour,
        "coverage": f"{100 * score.coverage:.0f}",
        "drawn": _drawn(score),
        "trend": TRENDS[score.trend] if score.trend else None,
    }


def _drawn(score: Score) -> str:
    """Return how the vendor's mean moved the score, where one would see it."""
    if abs(score.drawn) < 1:
        return ""
    return _("%(own).0f by its own windows, drawn to the vendor's mean") % {
        "own": score.own
    }


def _credits(engagement: Engagement, user: User) -> list[str]:
    if not sees_money(user) or not user.has_perm("tracker.view_credit"):
        return []
    sums: Counter[str] = Counter()
    amounts: dict[str, Decimal] = {}
    rows = Credit.objects.visible_to(user).filter(engagement=engagement.pk)
    for state, amount, agreed in rows.values_list("state", "amount", "agreed_amount"):
        sums[state] += 1
        amounts[state] = amounts.get(state, Decimal(0)) + (agreed or amount)
    return [
        _("%(amount)s %(state)s (%(count)d)")
        % {
            "amount": format_money(amounts[state], engagement.currency),
            "state": CreditState(state).label.lower(),
            "count": sums[state],
        }
        for state in CreditState.values
        if state in sums and state != CreditState.WAIVED
    ]
