"""A bridge: from one figure to another over the parts of their difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext as _

from tracker.dashboards.charts.columns import (
    NARROW,
    WIDE,
    Amount,
    Frame,
    gridline,
    have_room,
    with_room,
)
from tracker.dashboards.charts.scales import (
    Scale,
    round_ticks,
    round_ticks_between,
)
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels

__all__ = ["NARROW", "WIDE", "Frame", "Step", "bridge"]


# From so near a level on, the parts would be slivers on an axis from zero.
CUT_FROM = Decimal("0.7")


@dataclass(frozen=True)
class Step:
    """One bar: a whole figure that stands on zero, or a part that moves on from it."""

    label: str
    value: Decimal
    text: str
    is_whole: bool = False


@dataclass(frozen=True)
class _Bar:
    step: Step
    low: Decimal
    high: Decimal
    # Where the next bar goes on.
    reached: Decimal


def bridge(
    steps: Sequence[Step], *, summary: str, short_amount: Amount, frame: Frame = WIDE
) -> Svg:
    """Return the drawing; what adds and what takes away differ in tone and texture."""
    bars = list(_bars(steps))
    ticks = _ticks(bars)
    frame = with_room(frame, ticks, short_amount)
    bars = [replace(bar, low=max(bar.low, ticks[0])) for bar in bars]
    scale = Scale(ticks[0], ticks[-1], Decimal(frame.floor), Decimal(frame.top))
    band = Decimal(frame.width - frame.left - frame.right) / max(len(bars), 1)
    figures = [_figure(bar.step, short_amount) for bar in bars]
    # Where they would run into one another, the bars' titles and the table say them.
    if not have_room(figures, band, frame):
        figures = [""] * len(bars)
    return element(
        "svg",
        {
            "class": "chart-svg bridge",
            "viewBox": f"0 0 {frame.width} {frame.height}",
            "role": "group",
            "aria-label": summary,
        },
        *(gridline(tick, scale, frame, short_amount) for tick in ticks),
        *_links(bars, scale, frame, band),
        *_cut(ticks[0], frame, short_amount),
        *(
            _drawn(bar, frame.left + band * number, band, scale, figures[number], frame)
            for number, bar in enumerate(bars)
        ),
    )


def _bars(steps: Sequence[Step]) -> Iterator[_Bar]:
    reached = Decimal(0)
    for step in steps:
        start = Decimal(0) if step.is_whole else reached
        reached = start + step.value
        yield _Bar(step, min(start, reached), max(start, reached), reached)


def _ticks(bars: Sequence[_Bar]) -> Sequence[Decimal]:
    """Return the axis; it is cut where, from zero on, the parts could not be seen."""
    tops = [bar.reached for bar in bars]
    low, high = min(tops, default=Decimal(0)), max(tops, default=Decimal(0))
    if low <= high * CUT_FROM:
        return round_ticks(
            min((bar.low for bar in bars), default=Decimal(0)),
            max((bar.high for bar in bars), default=Decimal(0)),
        )
    room = max((high - low) / 2, high / 100)
    return round_ticks_between(max(low - room, Decimal(0)), high)


def _tone(step: Step) -> str:
    if step.is_whole:
        return "bar-whole"
    return "bar-more" if step.value > 0 else "bar-less"


def _drawn(
    bar: _Bar, left: Decimal, band: Decimal, scale: Scale, figure: str, frame: Frame
) -> Svg:
    width = min(band * Decimal("0.68"), Decimal(72))
    top = scale.place(bar.high)
    place: Attributes = {
        "x": pixels(left + (band - width) / 2),
        "y": top,
        "width": pixels(width),
        "height": max(scale.place(bar.low) - top, Decimal(1)),
        "class": f"mark {_tone(bar.step)}",
    }
    middle = pixels(left + band / 2)
    label: Attributes = {"x": middle, "y": frame.floor + 18, "class": "label"}
    value: Attributes = {
        "x": middle,
        "y": top - 6,
        "class": "value",
        "aria-hidden": "true",
    }
    return element(
        "g",
        {"class": "stack"},
        element("rect", place, element("title", {}, bar.step.text)),
        *([element("text", value, figure)] if figure else []),
        element("text", {**label, "aria-hidden": "true"}, bar.step.label),
    )


def _figure(step: Step, amount: Amount) -> str:
    is_more = not step.is_whole and step.value > 0
    return f"+{amount(step.value)}" if is_more else amount(step.value)


def _cut(lowest: Decimal, frame: Frame, amount: Amount) -> Iterator[Svg]:
    """Say that the axis does not begin at zero, where it doesn't."""
    if lowest > 0:
        place: Attributes = {
            "x": frame.left,
            "y": frame.height - 4,
            "class": "axis-note",
            "aria-hidden": "true",
        }
        words = _("The axis begins at %(amount)s.") % {"amount": amount(lowest)}
        yield element("text", place, words)


def _links(
    bars: Sequence[_Bar], scale: Scale, frame: Frame, band: Decimal
) -> Iterator[Svg]:
    """Yield the thin lines from each bar's end to the next bar."""
    for number, bar in enumerate(bars[:-1]):
        y = scale.place(bar.reached)
        middle = frame.left + band * number + band / 2
        line: Attributes = {
            "x1": pixels(middle),
            "x2": pixels(middle + band),
            "y1": y,
            "y2": y,
            "class": "bridge-link",
            "aria-hidden": "true",
        }
        yield element("line", line)
