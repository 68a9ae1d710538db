"""Burn of a budget: what was meant to be used, was used, and will be, summed up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.dashboards.charts.columns import Amount, Frame, gridline, with_room
from tracker.dashboards.charts.scales import Scale, round_ticks
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels

WIDE = Frame(width=1000, height=280, left=56, label_room=30)
NARROW = Frame(width=340, height=240, left=46, label_room=26)
RADIUS = 4


@dataclass(frozen=True)
class Point:
    """One month's sums since the year began; `is_forecast` where it isn't over."""

    label: str
    text: str
    budget: Decimal
    used: Decimal
    is_forecast: bool
    href: str = ""

    @property
    def is_over(self) -> bool:
        return self.used > self.budget


def burn_lines(
    points: Sequence[Point], *, summary: str, short_amount: Amount, frame: Frame = WIDE
) -> Svg:
    """Return the drawing: the budget as steps, use as a line, its forecast dashed."""
    edges = [Decimal(0), *(p.budget for p in points), *(p.used for p in points)]
    ticks = round_ticks(min(edges), max(edges))
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
        *(gridline(tick, scale, frame, short_amount) for tick in ticks),
        *_lines(points, scale, frame),
        *_marks(points, scale, frame),
    )


def _middle(number: int, count: int, frame: Frame) -> Decimal:
    band = Decimal(frame.width - frame.left - frame.right) / max(count, 1)
    return pixels(frame.left + band * number + band / 2)


def _lines(points: Sequence[Point], scale: Scale, frame: Frame) -> Iterator[Svg]:
    count = len(points)
    band = Decimal(frame.width - frame.left - frame.right) / max(count, 1)
    steps = " ".join(
        f"M{pixels(frame.left + band * number)},{scale.place(point.budget)}"
        f"H{pixels(frame.left + band * (number + 1))}"
        for number, point in enumerate(points)
    )
    yield element("path", {"d": steps, "class": "burn-budget"})
    known = [p for p in points if not p.is_forecast]
    places = [
        (_middle(number, count, frame), scale.place(point.used))
        for number, point in enumerate(points)
    ]
    yield from _line(places[: len(known)], "burn-used")
    # The forecast goes on from the last month that is over.
    yield from _line(places[max(len(known) - 1, 0) :], "burn-forecast")


def _line(places: Sequence[tuple[Decimal, Decimal]], kind: str) -> Iterator[Svg]:
    if len(places) > 1:
        written = " ".join(f"{x},{y}" for x, y in places)
        yield element("polyline", {"points": written, "class": kind})


def _marks(points: Sequence[Point], scale: Scale, frame: Frame) -> Iterator[Svg]:
    count = len(points)
    band = Decimal(frame.width - frame.left - frame.right) / max(count, 1)
    step = 1 if band >= frame.label_room else 2
    for number, point in enumerate(points):
        middle = _middle(number, count, frame)
        kind = "burn-mark"
        kind += " is-forecast" if point.is_forecast else ""
        kind += " is-over" if point.is_over else ""
        mark = element(
            "circle",
            {"cx": middle, "cy": scale.place(point.used), "r": RADIUS, "class": kind},
            element("title", {}, point.text),
        )
        # An unpainted field makes the whole month one target to point at.
        field = element(
            "rect",
            {
                "x": pixels(middle - band / 2),
                "y": frame.top,
                "width": pixels(band),
                "height": frame.floor - frame.top,
                "class": "field",
            },
            element("title", {}, point.text),
        )
        if point.href:
            told = {"href": point.href, "aria-label": point.text, "class": "row"}
            yield element("a", told, field, mark)
        else:
            yield element("g", {}, field, mark)
        if number % step == 0:
            place: Attributes = {
                "x": middle,
                "y": frame.floor + 18,
                "class": "label",
                "aria-hidden": "true",
            }
            yield element("text", place, point.label)
