"""The heat map of service levels: a cell for each window, which opens it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engagements.values.language import translated
from engagements.values.periods import add_months, count_months, month_of
from tracker.dashboards.charts.heat_map import HeatCell, HeatGroup, HeatRow, heat_map
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.levels.scope import LevelScope
from tracker.dashboards.notation import Notation
from tracker.performance.level_queries import LevelRow
from tracker.performance.service_levels import Outcome, shown

OUTCOMES = {
    Outcome.MET.value: gettext_noop("Met"),
    Outcome.MISSED.value: gettext_noop("Missed"),
    Outcome.NO_DATA.value: gettext_noop("No data"),
    Outcome.EXCUSED.value: gettext_noop("Excused"),
}
SIGNS = {
    Outcome.MET.value: "✓",
    Outcome.MISSED.value: "✗",
    Outcome.NO_DATA.value: "·",
    Outcome.EXCUSED.value: "–",  # noqa: RUF001 - a sign, not a word
}


def figure(value: Decimal | None, unit: str) -> str:
    return "" if value is None else f"{shown(value)} {unit}".strip()


def drawn(
    scope: LevelScope, rows: Sequence[LevelRow], most: int, *, is_narrow: bool
) -> Svg:
    """Return the windows of each level by month, at most so many of the newest."""
    notation = scope.notation
    months = _months(rows, most)
    groups = [
        HeatGroup(
            f"{engagement.title} · {engagement.vendor}",
            [
                HeatRow(row.level.name, _cells(row, months, notation))
                for row in of_engagement
            ],
            scope.page_url(engagement=str(engagement.public_id)),
        )
        for engagement, of_engagement in groupby(rows, key=lambda row: row.engagement)
    ]
    return heat_map(
        groups,
        months,
        [notation.month_tick(month)[:3] for month in months],
        summary=_("Service levels by month; the table below counts the same windows"),
        is_narrow=is_narrow,
    )


def _months(rows: Sequence[LevelRow], most: int) -> list[date]:
    """Return the months that results lie in, the newest ones where they are many."""
    results = [result for row in rows for result in row.results.values()]
    first = min(result.window_from for result in results)
    last = month_of(max(result.window_to for result in results))
    count = min(count_months(first, last), most)
    return [add_months(last, back - count + 1) for back in range(count)]


def _cells(row: LevelRow, months: Sequence[date], notation: Notation) -> list[HeatCell]:
    cells = []
    for first, result in sorted(row.results.items()):
        begins = count_months(months[0], first) - 1 if first >= months[0] else 0
        ends = count_months(months[0], result.window_to) - 1
        if result.window_to < months[0]:
            continue
        said = f"{row.level.name}, {window_name(result, notation)}: "
        said += translated(OUTCOMES[result.outcome])
        if result.value is not None:
            said += f", {figure(result.value, row.level.unit)}"
        cells.append(
            HeatCell(
                column=begins,
                span=ends - begins + 1,
                outcome=result.outcome,
                sign=SIGNS[result.outcome],
                text=said,
                href=reverse("tracker:service-level-window", args=[result.public_id]),
            )
        )
    return cells


def window_name(result: object, notation: Notation) -> str:
    first: date = result.window_from  # type: ignore[attr-defined]
    last: date = result.window_to  # type: ignore[attr-defined]
    if month_of(first) == month_of(last):
        return notation.month_name(first)
    return _("Q%(quarter)d %(year)d") % {
        "quarter": (first.month + 2) // 3,
        "year": first.year,
    }
