"""What is drawn: series, their looks, and the key that explains them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from tracker.dashboards.charts.svg import Svg, element


class Texture(Enum):
    """A second sign beside colour, for print and for colour-blind readers."""

    SOLID = "solid"
    DOTS = "dots"
    HATCH = "hatch"
    OUTLINE = "outline"


PATTERNED = (Texture.DOTS, Texture.HATCH)


@dataclass(frozen=True)
class Series:
    """One part of a stack; `tone` names a colour of the style sheet."""

    key: str
    label: str
    tone: str
    texture: Texture = Texture.SOLID


@dataclass(frozen=True)
class Segment:
    """One value of a series; `text` is what its mark says when pointed at."""

    series: Series
    value: Decimal
    text: str


@dataclass(frozen=True)
class Span:
    """Where a segment lies on the value axis once stacked."""

    segment: Segment
    low: Decimal
    high: Decimal


def spans(segments: Sequence[Segment]) -> Iterator[Span]:
    """Stack the segments: positive ones up from zero, negative ones down."""
    rise = fall = Decimal(0)
    for segment in segments:
        if segment.value > 0:
            yield Span(segment, rise, rise + segment.value)
            rise += segment.value
        elif segment.value < 0:
            yield Span(segment, fall + segment.value, fall)
            fall += segment.value


def reach(stacks: Sequence[Sequence[Segment]]) -> tuple[Decimal, Decimal]:
    """Return the lowest and highest point of all stacks, zero included."""
    edges = [span for stack in stacks for span in spans(stack)]
    low = min((span.low for span in edges), default=Decimal(0))
    high = max((span.high for span in edges), default=Decimal(0))
    return min(low, Decimal(0)), max(high, Decimal(0))


def series_of(stacks: Sequence[Sequence[Segment]]) -> list[Series]:
    """Return the series that have a figure to show, in the order first met."""
    return list(
        dict.fromkeys(
            segment.series for stack in stacks for segment in stack if segment.value
        )
    )


def fill(series: Series, chart_id: str) -> dict[str, str]:
    """Return the attributes that paint a mark of this series."""
    if series.texture is Texture.SOLID:
        return {"class": f"mark tone-{series.tone}"}
    if series.texture is Texture.OUTLINE:
        return {"class": f"outlined outlined-{series.tone}"}
    return {"class": "mark", "fill": f"url(#{_pattern_id(series, chart_id)})"}


def patterns(all_series: Sequence[Series], chart_id: str) -> list[Svg]:
    """Return the definitions that `fill` refers to, none when all are solid."""
    textured = [each for each in all_series if each.texture in PATTERNED]
    if not textured:
        return []
    return [element("defs", {}, *(_pattern(each, chart_id) for each in textured))]


def swatch(series: Series, chart_id: str) -> Svg:
    """Return the small square that stands before the series' name in the key."""
    name = f"{chart_id}-key"
    return element(
        "svg",
        {
            "class": "swatch",
            "viewBox": "0 0 14 14",
            "width": 14,
            "height": 14,
            "aria-hidden": "true",
        },
        *patterns([series], name),
        element("rect", {"width": 14, "height": 14, "rx": 2, **fill(series, name)}),
    )


def _pattern_id(series: Series, chart_id: str) -> str:
    return f"{chart_id}-{series.key}"


def _pattern(series: Series, chart_id: str) -> Svg:
    size = 6
    attributes: dict[str, str | int] = {
        "id": _pattern_id(series, chart_id),
        "width": size,
        "height": size,
        "patternUnits": "userSpaceOnUse",
    }
    if series.texture is Texture.HATCH:
        attributes["patternTransform"] = "rotate(45)"
    return element(
        "pattern",
        attributes,
        element(
            "rect",
            {
                "width": size,
                "height": size,
                "class": f"tone-{series.tone} ground-{series.texture.value}",
            },
        ),
        _texture(series),
    )


def _texture(series: Series) -> Svg:
    if series.texture is Texture.HATCH:
        return element(
            "rect", {"width": 2, "height": 6, "class": f"tone-{series.tone}"}
        )
    return element(
        "circle", {"cx": 3, "cy": 3, "r": Decimal("1.1"), "class": "texture-dots"}
    )
