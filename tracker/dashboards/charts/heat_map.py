"""A heat map: one row of cells per name, one column per month.

What a cell says is told by its sign as well as its colour, and in full by its title.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tracker.dashboards.charts.svg import Attributes, Svg, element, shortened

CELL = 30
GAP = 2
HEAD = 26
# Of a heading, which is bold.
LETTER = 9
# As wide as the card, so that letters keep their size however few months there are.
WIDE, NARROW = 1140, 318
# Room for the names; on a phone they stand above their cells instead.
NAMES = 330


@dataclass(frozen=True)
class HeatCell:
    """A window from one column on; a quarter is three columns wide."""

    column: int
    span: int
    outcome: str
    sign: str
    text: str
    href: str


@dataclass(frozen=True)
class HeatRow:
    name: str
    cells: Sequence[HeatCell]


@dataclass(frozen=True)
class HeatGroup:
    """Rows under one heading, such as an engagement with its vendor."""

    title: str
    rows: Sequence[HeatRow]
    href: str = ""


@dataclass(frozen=True)
class _Layout:
    left: int
    row_height: int
    is_narrow: bool
    width: int


def heat_map(
    groups: Sequence[HeatGroup],
    months: Sequence[date],
    ticks: Sequence[str],
    *,
    summary: str,
    is_narrow: bool = False,
) -> Svg:
    """Return the drawing; `ticks` are the months' names, the year stands above."""
    left = 0 if is_narrow else NAMES
    least = NARROW if is_narrow else WIDE
    width = max(left + len(months) * (CELL + GAP), least)
    layout = _Layout(left, CELL + GAP + (20 if is_narrow else 0), is_narrow, width)
    parts = [
        _tick(left + index * (CELL + GAP) + CELL // 2, 30, tick)
        for index, tick in enumerate(ticks)
    ]
    parts += [
        _tick(left + index * (CELL + GAP) + CELL // 2, 13, f"{month:%Y}")
        for index, month in enumerate(months)
        if month.month == 1 or (index == 0 and month.month < 12)
    ]
    top = HEAD + 12
    for group in groups:
        parts.append(_heading(group, top, layout))
        top += HEAD
        for row in group.rows:
            parts.append(_row(row, top, layout))
            top += layout.row_height
        top += GAP * 3
    return element(
        "svg",
        {
            "class": "chart-svg heat-map",
            "viewBox": f"0 0 {width} {top}",
            "role": "group",
            "aria-label": summary,
        },
        *parts,
    )


def _tick(middle: int, base: int, text: str) -> Svg:
    at: Attributes = {"x": middle, "y": base, "class": "label", "aria-hidden": "true"}
    return element("text", at, text)


def _heading(group: HeatGroup, top: int, layout: _Layout) -> Svg:
    room = layout.width // LETTER
    at: Attributes = {"x": 0, "y": top + 18, "class": "name group"}
    text = element("text", at, shortened(group.title, room))
    if not group.href:
        return text
    return element("a", {"href": group.href, "aria-label": group.title}, text)


def _row(row: HeatRow, top: int, layout: _Layout) -> Svg:
    room = (layout.width if layout.is_narrow else layout.left - 12) // LETTER
    name = element(
        "text",
        {
            "x": 0 if layout.is_narrow else 12,
            "y": top + (14 if layout.is_narrow else 20),
            "class": "name",
            "aria-hidden": "true",
        },
        shortened(row.name, room),
        element("title", {}, row.name),
    )
    below = top + (20 if layout.is_narrow else 0)
    return element(
        "g", {"class": "row"}, name, *(_cell(one, below, layout) for one in row.cells)
    )


def _cell(cell: HeatCell, top: int, layout: _Layout) -> Svg:
    left = layout.left + cell.column * (CELL + GAP)
    width = cell.span * (CELL + GAP) - GAP
    box: Attributes = {
        "x": left,
        "y": top,
        "width": width,
        "height": CELL,
        "rx": 4,
        "class": f"heat is-{cell.outcome}",
    }
    sign: Attributes = {
        "x": left + width // 2,
        "y": top + 20,
        "class": f"heat-sign is-{cell.outcome}",
        "aria-hidden": "true",
    }
    return element(
        "a",
        {"href": cell.href, "aria-label": cell.text},
        element("rect", box, element("title", {}, cell.text)),
        element("text", sign, cell.sign),
    )
