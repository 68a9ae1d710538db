"""Each figure beside the range that is usual for it: a dot on a band."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.dashboards.charts.scales import Scale
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels, shortened

ROW_HEIGHT = 40
BAND_HEIGHT = 10
RADIUS = 6
LETTER_WIDTH = Decimal("7.6")
WIDE, NARROW = 1040, 340


@dataclass(frozen=True)
class Range:
    """One row; `value_text` is its figure in short, `text` all of it in words."""

    name: str
    text: str
    value_text: str
    value: Decimal
    low: Decimal
    middle: Decimal
    high: Decimal
    href: str = ""

    @property
    def is_above(self) -> bool:
        return self.value > self.high


def ranges(rows: Sequence[Range], *, summary: str, width: int = WIDE) -> Svg:
    """Return the drawing, rows in the order given, all on one scale from zero."""
    highest = max((max(row.value, row.high) for row in rows), default=Decimal(1))
    scale = Scale(
        Decimal(0), highest or Decimal(1), Decimal(RADIUS), Decimal(width - RADIUS)
    )
    return element(
        "svg",
        {
            "class": "chart-svg",
            "viewBox": f"0 0 {width} {max(len(rows), 1) * ROW_HEIGHT}",
            "role": "group",
            "aria-label": summary,
        },
        *(_row(row, n * ROW_HEIGHT, scale, width) for n, row in enumerate(rows)),
    )


def _row(row: Range, top: int, scale: Scale, width: int) -> Svg:
    room = int((width - len(row.value_text) * LETTER_WIDTH - 12) / LETTER_WIDTH)
    name: Attributes = {"x": 0, "y": top + 14, "class": "name", "aria-hidden": "true"}
    value: Attributes = {
        "x": width,
        "y": top + 14,
        "class": "figure",
        "aria-hidden": "true",
    }
    field: Attributes = {
        "x": 0,
        "y": top,
        "width": width,
        "height": ROW_HEIGHT,
        "class": "field",
    }
    parts = (
        element("rect", field, element("title", {}, row.text)),
        element("text", name, shortened(row.name, room)),
        element("text", value, row.value_text),
        *_marks(row, top + 20, scale),
    )
    if not row.href:
        return element("g", {"class": "row"}, *parts)
    return element(
        "a", {"href": row.href, "class": "row", "aria-label": row.text}, *parts
    )


def _marks(row: Range, top: int, scale: Scale) -> Iterator[Svg]:
    left, right = scale.place(row.low), scale.place(row.high)
    band: Attributes = {
        "x": left,
        "y": top,
        "width": max(right - left, Decimal(1)),
        "height": BAND_HEIGHT,
        "class": "range-band",
    }
    middle = scale.place(row.middle)
    tick: Attributes = {
        "x1": middle,
        "x2": middle,
        "y1": top - 1,
        "y2": top + BAND_HEIGHT + 1,
        "class": "range-middle",
    }
    kind = "range-dot is-above" if row.is_above else "range-dot"
    dot: Attributes = {
        "cx": scale.place(row.value),
        "cy": pixels(top + Decimal(BAND_HEIGHT) / 2),
        "r": RADIUS,
        "class": kind,
    }
    yield element("rect", band)
    yield element("line", tick)
    yield element("circle", dot, element("title", {}, row.text))
