"""Two axes, never added up: each mark one engagement, its area a third figure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.dashboards.charts.scales import RootScale, Scale, root_ticks
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels

Written = Callable[[Decimal], str]
HALF = Decimal("0.5")
# The side of a square whose area is that of the circle of radius 1.
SIDE = Decimal("1.7725")


@dataclass(frozen=True)
class Mark:
    """`across` is a share of 0 to 1; `size` sets the area; `is_square` the shape."""

    across: Decimal
    up: Decimal
    size: Decimal
    tone: str
    is_square: bool
    text: str
    href: str = ""


@dataclass(frozen=True)
class Frame:
    width: int
    height: int
    left: int
    right: int
    top: int
    floor: int
    largest: int
    smallest: int = 4


WIDE = Frame(width=1000, height=420, left=84, right=24, top=18, floor=372, largest=26)
NARROW = Frame(width=400, height=420, left=66, right=14, top=18, floor=372, largest=18)


@dataclass(frozen=True)
class Axes:
    """What the axes are called, how their figures are written, and where verdicts end.

    `bounds` are shares on the axis across at which a line is drawn, with its name.
    """

    across: str
    up: str
    share: Written
    amount: Written
    bounds: Sequence[tuple[Decimal, str]]


def scatter(
    marks: Sequence[Mark], *, summary: str, axes: Axes, frame: Frame = WIDE
) -> Svg:
    """Return the drawing, large marks first, so that none hides a smaller one.

    The axis up is of square roots.
    """
    ups = [mark.up for mark in marks]
    ticks = root_ticks(min(ups, default=Decimal(0)), max(ups, default=Decimal(0)))
    up = RootScale(ticks[0], ticks[-1], Decimal(frame.floor), Decimal(frame.top))
    across = Scale(
        Decimal(0), Decimal(1), Decimal(frame.left), Decimal(frame.width - frame.right)
    )
    return element(
        "svg",
        {
            "class": "chart-svg",
            "viewBox": f"0 0 {frame.width} {frame.height}",
            "role": "group",
            "aria-label": summary,
        },
        *(_gridline(tick, up, frame, axes.amount) for tick in ticks),
        *_bounds(axes, across, frame),
        *_shares(axes, across, frame),
        *_marks(marks, across, up, frame),
    )


def _gridline(tick: Decimal, up: Scale, frame: Frame, amount: Written) -> Svg:
    y = up.place(tick)
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


def _bounds(axes: Axes, across: Scale, frame: Frame) -> Iterator[Svg]:
    for share, name in axes.bounds:
        x = across.place(share)
        line: Attributes = {
            "x1": x,
            "x2": x,
            "y1": frame.top,
            "y2": frame.floor,
            "class": "bound",
        }
        yield element("line", line, element("title", {}, name))


def _shares(axes: Axes, across: Scale, frame: Frame) -> Iterator[Svg]:
    for tenths in (0, 3, 5, 7, 10):
        share = Decimal(tenths) / 10
        place: Attributes = {
            "x": across.place(share),
            "y": frame.floor + 20,
            "class": "label",
            "aria-hidden": "true",
        }
        yield element("text", place, axes.share(share))
    middle: Attributes = {
        "x": across.place(HALF),
        "y": frame.floor + 42,
        "class": "label group",
        "aria-hidden": "true",
    }
    yield element("text", middle, axes.across)


def _marks(
    marks: Sequence[Mark], across: Scale, up: Scale, frame: Frame
) -> Iterator[Svg]:
    largest = max((mark.size for mark in marks), default=Decimal(1)) or Decimal(1)
    for mark in sorted(marks, key=lambda mark: -mark.size):
        part = max(mark.size, Decimal(0)) / largest
        radius = max(frame.largest * part.sqrt(), Decimal(frame.smallest))
        x, y = across.place(mark.across), up.place(mark.up)
        drawn = _square if mark.is_square else _circle
        shape = drawn(mark, x, y, radius)
        if mark.href:
            link = {"href": mark.href, "aria-label": mark.text}
            yield element("a", link, shape)
        else:
            yield shape


def _circle(mark: Mark, x: Decimal, y: Decimal, radius: Decimal) -> Svg:
    place: Attributes = {
        "cx": x,
        "cy": y,
        "r": pixels(radius),
        "class": f"mark seen-through tone-{mark.tone}",
    }
    return element("circle", place, element("title", {}, mark.text))


def _square(mark: Mark, x: Decimal, y: Decimal, radius: Decimal) -> Svg:
    side = radius * SIDE
    place: Attributes = {
        "x": pixels(x - side / 2),
        "y": pixels(y - side / 2),
        "width": pixels(side),
        "height": pixels(side),
        "class": f"mark seen-through tone-{mark.tone}",
    }
    return element("rect", place, element("title", {}, mark.text))
