"""Stacked columns over time: positive parts rise from zero, negative ones hang."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tracker.dashboards.charts.scales import Scale, round_ticks
from tracker.dashboards.charts.series import (
    Segment,
    fill,
    patterns,
    reach,
    series_of,
    spans,
)
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels

Amount = Callable[[Decimal], str]

LABEL_STEPS = (1, 2, 3, 6, 12, 24)
GROUP_ROOM = 38
# About what one character of a figure takes.
CHARACTER = 7


@dataclass(frozen=True)
class Column:
    """One column: `label` below it, `group` below the first of each group."""

    label: str
    group: str
    text: str
    segments: Sequence[Segment]
    href: str = ""

    @property
    def total(self) -> Decimal:
        return sum((segment.value for segment in self.segments), Decimal(0))


@dataclass(frozen=True)
class Frame:
    """The room of a drawing, in its own units (about one CSS pixel each)."""

    width: int
    height: int
    left: int
    label_room: int
    top: int = 22
    right: int = 4
    bottom: int = 40
    value_room: int = 0

    @property
    def floor(self) -> int:
        return self.height - self.bottom


WIDE = Frame(width=1000, height=300, left=56, label_room=30, value_room=52)
NARROW = Frame(width=340, height=240, left=46, label_room=26)


def stacked_columns(
    columns: Sequence[Column],
    *,
    chart_id: str,
    summary: str,
    short_amount: Amount,
    frame: Frame = WIDE,
) -> Svg:
    """Return the drawing; each mark has a title, each column its link if it has one."""
    ticks = round_ticks(*reach([column.segments for column in columns]))
    frame = with_room(frame, ticks, short_amount)
    scale = Scale(ticks[0], ticks[-1], Decimal(frame.floor), Decimal(frame.top))
    return element(
        "svg",
        {
            "class": "chart-svg",
            "viewBox": f"0 0 {frame.width} {frame.height}",
            "role": "group",
            "aria-label": summary,
        },
        *patterns(series_of([column.segments for column in columns]), chart_id),
        *(gridline(tick, scale, frame, short_amount) for tick in ticks),
        *_columns(columns, scale, frame, chart_id, short_amount),
    )


def with_room(frame: Frame, ticks: Sequence[Decimal], amount: Amount) -> Frame:
    """Return the frame with room for what stands beside the axis in any language."""
    longest = max(len(amount(tick)) for tick in ticks)
    return replace(frame, left=max(frame.left, 10 + CHARACTER * longest))


def have_room(written: Sequence[str], band: Decimal, frame: Frame) -> bool:
    """Tell whether figures may stand side by side, each above its band."""
    longest = max(map(len, written), default=0)
    return 0 < frame.value_room <= band and CHARACTER * longest <= band


def gridline(tick: Decimal, scale: Scale, frame: Frame, amount: Amount) -> Svg:
    y = scale.place(tick)
    line: Attributes = {
        "x1": frame.left,
        "x2": frame.width - frame.right,
        "y1": y,
        "y2": y,
        "class": "grid" if tick else "axis",
    }
    label: Attributes = {"x": frame.left - 8, "y": y + 4, "class": "tick"}
    return element(
        "g",
        {"aria-hidden": "true"},
        element("line", line),
        element("text", label, amount(tick)),
    )


def _columns(
    columns: Sequence[Column],
    scale: Scale,
    frame: Frame,
    chart_id: str,
    amount: Amount,
) -> Iterator[Svg]:
    if not columns:
        return
    band = Decimal(frame.width - frame.left - frame.right) / len(columns)
    totals = [amount(column.total) for column in columns]
    says_totals = have_room(totals, band, frame)
    for number, column in enumerate(columns):
        left = frame.left + band * number
        marks = [*_stack(column, left, band, scale, chart_id)]
        if says_totals:
            marks.append(_total(column, left + band / 2, scale, totals[number]))
        yield _linked(column, marks)
    yield from _labels(columns, band, frame)


def _label_step(band: Decimal, room: int) -> int:
    return next((step for step in LABEL_STEPS if band * step >= room), LABEL_STEPS[-1])


def _stack(
    column: Column, left: Decimal, band: Decimal, scale: Scale, chart_id: str
) -> Iterator[Svg]:
    width = min(band * Decimal("0.68"), Decimal(56))
    x = pixels(left + (band - width) / 2)
    for span in spans(column.segments):
        top = scale.place(span.high)
        place: Attributes = {
            "x": x,
            "y": top,
            "width": pixels(width),
            "height": scale.place(span.low) - top,
        }
        yield element(
            "rect",
            {**place, **fill(span.segment.series, chart_id)},
            element("title", {}, span.segment.text),
        )


def _total(column: Column, middle: Decimal, scale: Scale, written: str) -> Svg:
    top = scale.place(reach([column.segments])[1])
    place: Attributes = {"x": pixels(middle), "y": top - 6, "class": "value"}
    return element("text", {**place, "aria-hidden": "true"}, written)


def _linked(column: Column, marks: Sequence[Svg]) -> Svg:
    if not column.href:
        return element("g", {"class": "stack"}, *marks)
    attributes = {"href": column.href, "class": "stack", "aria-label": column.text}
    return element("a", attributes, *marks)


def _labels(columns: Sequence[Column], band: Decimal, frame: Frame) -> Iterator[Svg]:
    step = _label_step(band, frame.label_room)
    for number in range(0, len(columns), step):
        yield _label(columns[number].label, number, band, frame, 18, "label")
    starts = [
        number
        for number, column in enumerate(columns)
        if not number or columns[number - 1].group != column.group
    ]
    for start, following in zip(starts, [*starts[1:], len(columns)], strict=True):
        has_room = band * (following - start) >= GROUP_ROOM
        if has_room or following == len(columns):
            yield _label(columns[start].group, start, band, frame, 34, "label group")


def _label(
    text: str, number: int, band: Decimal, frame: Frame, below: int, kind: str
) -> Svg:
    place: Attributes = {
        "x": pixels(frame.left + band * number + band / 2),
        "y": frame.floor + below,
        "class": kind,
        "aria-hidden": "true",
    }
    return element("text", place, text)
