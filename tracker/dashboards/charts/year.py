"""A year month by month in IBCS notation, with what it differs from its budget by.

What was spent stands solid in front, what is forecast hatched upon it; the year before
stands lighter behind its left side, the budget outlined behind its right.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tracker.dashboards.charts.columns import Frame, gridline, have_room, with_room
from tracker.dashboards.charts.scales import Scale, round_ticks
from tracker.dashboards.charts.series import (
    Segment,
    Series,
    Texture,
    fill,
    patterns,
    reach,
    spans,
)
from tracker.dashboards.charts.svg import Attributes, Svg, element, pixels

Amount = Callable[[Decimal], str]
WIDE = Frame(width=1000, height=400, left=56, label_room=30, bottom=140, value_room=56)
NARROW = Frame(width=340, height=340, left=46, label_room=26, bottom=120)
# Room between the months' names and the differences, and of the differences.
GAP = 62
# By how much of a column's width those behind it stand out.
SHIFT = Decimal("0.3")

ACTUAL = Series("actual", gettext_noop("Invoiced or paid"), "actual")
ACCRUED = Series("accrued", gettext_noop("Accrued"), "actual", Texture.DOTS)
TO_COME = Series("to-come", gettext_noop("Forecast"), "actual", Texture.HATCH)
PREVIOUS = Series("previous", gettext_noop("Previous year"), "previous")
BUDGET = Series("budget", gettext_noop("Budget"), "budget", Texture.OUTLINE)
OVER = Series("over", gettext_noop("Over budget"), "over", Texture.DOTS)
UNDER = Series("under", gettext_noop("Under budget"), "previous")


@dataclass(frozen=True)
class Month:
    """One month; `text` says it in words, `difference` is None without a budget.

    `low` and `high` are the ends of the forecast's range, None where nothing is open.
    """

    label: str
    group: str
    text: str
    segments: Sequence[Segment]
    previous: Segment
    budget: Segment | None
    difference: Segment | None
    low: Decimal | None = None
    high: Decimal | None = None
    href: str = ""

    @property
    def total(self) -> Decimal:
        return sum((segment.value for segment in self.segments), Decimal(0))


def year_columns(
    months: Sequence[Month],
    *,
    chart_id: str,
    summary: str,
    short_amount: Amount,
    frame: Frame = WIDE,
) -> Svg:
    """Return the drawing; each mark has a title, each month its link if it has one."""
    ticks = round_ticks(*_reach(months))
    frame = with_room(frame, ticks, short_amount)
    scale = Scale(ticks[0], ticks[-1], Decimal(frame.floor), Decimal(frame.top))
    below = _differences(months, frame)
    band = Decimal(frame.width - frame.left - frame.right) / max(len(months), 1)
    return element(
        "svg",
        {
            "class": "chart-svg",
            "viewBox": f"0 0 {frame.width} {frame.height}",
            "role": "group",
            "aria-label": summary,
        },
        *patterns((ACCRUED, TO_COME, OVER), chart_id),
        *(gridline(tick, scale, frame, short_amount) for tick in ticks),
        *_axis_of_differences(below, frame),
        *(
            _month(
                month, frame.left + band * place, band, scale, below, frame, chart_id
            )
            for place, month in enumerate(months)
        ),
        *_words(months, band, scale, below, frame, short_amount),
    )


def _reach(months: Sequence[Month]) -> tuple[Decimal, Decimal]:
    low, high = reach([month.segments for month in months])
    others = [
        value
        for month in months
        for value in (
            month.previous.value,
            month.budget.value if month.budget else None,
            month.low,
            month.high,
        )
        if value is not None
    ]
    return min([low, *others]), max([high, *others])


def _differences(months: Sequence[Month], frame: Frame) -> Scale | None:
    """Return the scale of the differences below the months; None without any."""
    values = [month.difference.value for month in months if month.difference]
    if not any(values):
        return None
    low, high = min([*values, Decimal(0)]), max([*values, Decimal(0)])
    room = Decimal(16)
    top = frame.floor + GAP + room
    return Scale(low, high, Decimal(frame.height) - room, Decimal(top))


def _axis_of_differences(scale: Scale | None, frame: Frame) -> Iterator[Svg]:
    if scale is None:
        return
    y = scale.place(Decimal(0))
    line: Attributes = {
        "x1": frame.left,
        "x2": frame.width - frame.right,
        "y1": y,
        "y2": y,
        "class": "axis",
        "aria-hidden": "true",
    }
    yield element("line", line)
    heading: Attributes = {
        "x": frame.left,
        "y": frame.floor + GAP - 4,
        "class": "axis-note",
        "aria-hidden": "true",
    }
    yield element("text", heading, _("Against budget"))


def _month(
    month: Month,
    left: Decimal,
    band: Decimal,
    scale: Scale,
    below: Scale | None,
    frame: Frame,
    chart_id: str,
) -> Svg:
    width = min(band * Decimal("0.5"), Decimal(40))
    x = left + (band - width) / 2
    marks = [
        _block(month.previous, x - width * SHIFT, width, scale, chart_id),
        *(
            [_block(month.budget, x + width * SHIFT, width, scale, chart_id)]
            if month.budget
            else []
        ),
        *_ground(month, x, width, scale),
        *_stack(month, x, width, scale, chart_id),
        *_range(month, x + width / 2, scale),
    ]
    if below is not None and month.difference is not None:
        marks.append(_block(month.difference, x, width, below, chart_id))
    if not month.href:
        return element("g", {"class": "stack"}, *marks)
    attributes = {"href": month.href, "class": "stack", "aria-label": month.text}
    return element("a", attributes, *marks)


def _block(
    segment: Segment, x: Decimal, width: Decimal, scale: Scale, chart_id: str
) -> Svg:
    ends = sorted((scale.place(Decimal(0)), scale.place(segment.value)))
    return _rect(segment, x, width, ends[0], ends[1] - ends[0], chart_id)


def _stack(
    month: Month, x: Decimal, width: Decimal, scale: Scale, chart_id: str
) -> Iterator[Svg]:
    for span in spans(month.segments):
        top = scale.place(span.high)
        height = scale.place(span.low) - top
        yield _rect(span.segment, x, width, top, height, chart_id)


def _ground(month: Month, x: Decimal, width: Decimal, scale: Scale) -> Iterator[Svg]:
    """Yield what keeps the columns behind from showing through textures."""
    low, high = reach([month.segments])
    if low == high:
        return
    top = scale.place(high)
    place: Attributes = {
        "x": pixels(x),
        "y": top,
        "width": pixels(width),
        "height": scale.place(low) - top,
        "class": "ground",
    }
    yield element("rect", place)


def _rect(
    segment: Segment,
    x: Decimal,
    width: Decimal,
    top: Decimal,
    height: Decimal,
    chart_id: str,
) -> Svg:
    place: Attributes = {
        "x": pixels(x),
        "y": top,
        "width": pixels(width),
        "height": height,
    }
    return element(
        "rect",
        {**place, **fill(segment.series, chart_id)},
        element("title", {}, segment.text),
    )


def _range(month: Month, middle: Decimal, scale: Scale) -> Iterator[Svg]:
    if month.low is None or month.high is None or month.low == month.high:
        return
    place: Attributes = {
        "x1": pixels(middle),
        "x2": pixels(middle),
        "y1": scale.place(month.low),
        "y2": scale.place(month.high),
        "class": "range",
    }
    yield element("line", place)


def _words(
    months: Sequence[Month],
    band: Decimal,
    scale: Scale,
    below: Scale | None,
    frame: Frame,
    amount: Amount,
) -> Iterator[Svg]:
    totals = [amount(month.total) for month in months]
    says_amounts = have_room(totals, band, frame)
    for place, month in enumerate(months):
        middle = pixels(frame.left + band * place + band / 2)
        yield _text(middle, frame.floor + 18, "label", month.label)
        if not place or months[place - 1].group != month.group:
            yield _text(middle, frame.floor + 34, "label group", month.group)
        if not says_amounts:
            continue
        top = max([month.total, month.high or month.total])
        yield _text(middle, scale.place(top) - 6, "value", totals[place])
        difference = month.difference
        if below is not None and difference is not None and difference.value:
            y = below.place(difference.value)
            y += -4 if difference.value > 0 else 12
            sign = "+" if difference.value > 0 else "\N{MINUS SIGN}"
            written = f"{sign}{amount(abs(difference.value))}"
            yield _text(middle, y, "value difference", written)


def _text(x: Decimal, y: Decimal | int, kind: str, text: str) -> Svg:
    place: Attributes = {"x": x, "y": y, "class": kind, "aria-hidden": "true"}
    return element("text", place, text)
