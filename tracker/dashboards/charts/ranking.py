"""Ranked bars: a name and a figure on one line, the bar below them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.dashboards.charts.scales import Scale
from tracker.dashboards.charts.series import (
    Segment,
    fill,
    patterns,
    reach,
    series_of,
    spans,
)
from tracker.dashboards.charts.svg import Attributes, Svg, element, shortened

ROW_HEIGHT = 40
BAR_HEIGHT = 10
LETTER_WIDTH = Decimal("7.6")


@dataclass(frozen=True)
class Bar:
    """One row; `value_text` is the short figure at its end, `text` the whole one."""

    name: str
    text: str
    value_text: str
    segments: Sequence[Segment]
    href: str = ""
    is_remainder: bool = False


WIDE = 520
NARROW = 340


def ranked_bars(
    bars: Sequence[Bar], *, chart_id: str, summary: str, width: int = WIDE
) -> Svg:
    """Return the drawing, bars in the order given."""
    scale = _scale(bars, width)
    return element(
        "svg",
        {
            "class": "chart-svg",
            "viewBox": f"0 0 {width} {max(len(bars), 1) * ROW_HEIGHT}",
            "role": "group",
            "aria-label": summary,
        },
        *patterns(series_of([bar.segments for bar in bars]), chart_id),
        *(
            _row(bar, number * ROW_HEIGHT, scale, chart_id, width)
            for number, bar in enumerate(bars)
        ),
    )


def _scale(bars: Sequence[Bar], width: int) -> Scale:
    low, high = reach([bar.segments for bar in bars])
    if low == high:
        high = Decimal(1)
    return Scale(low, high, Decimal(0), Decimal(width))


def _row(bar: Bar, top: int, scale: Scale, chart_id: str, width: int) -> Svg:
    room = int((width - len(bar.value_text) * LETTER_WIDTH - 12) / LETTER_WIDTH)
    kind = "row remainder" if bar.is_remainder else "row"
    name: Attributes = {"x": 0, "y": top + 14, "class": "name", "aria-hidden": "true"}
    value: Attributes = {
        "x": width,
        "y": top + 14,
        "class": "figure",
        "aria-hidden": "true",
    }
    # An unpainted field makes the whole row one target to point at.
    field: Attributes = {
        "x": 0,
        "y": top,
        "width": width,
        "height": ROW_HEIGHT,
        "class": "field",
    }
    parts = (
        element("rect", field, element("title", {}, bar.text)),
        element("text", name, shortened(bar.name, room)),
        element("text", value, bar.value_text),
        *_marks(bar, top + 20, scale, chart_id),
    )
    if not bar.href:
        return element("g", {"class": kind}, *parts)
    return element(
        "a", {"href": bar.href, "class": kind, "aria-label": bar.text}, *parts
    )


def _marks(bar: Bar, top: int, scale: Scale, chart_id: str) -> Iterator[Svg]:
    for span in spans(bar.segments):
        left = scale.place(span.low)
        place: Attributes = {
            "x": left,
            "y": top,
            "width": scale.place(span.high) - left,
            "height": BAR_HEIGHT,
        }
        yield element(
            "rect",
            {**place, **fill(span.segment.series, chart_id)},
            element("title", {}, span.segment.text),
        )
