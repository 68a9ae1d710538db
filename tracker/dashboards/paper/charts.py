"""Charts that stand alone: the page's drawing with the page's own colours in it."""

import re
from functools import cache
from pathlib import Path

from tracker.dashboards.charts.svg import Svg

STYLE_SHEET = Path(__file__).parents[2] / "static" / "tracker" / "site.css"
NAMESPACE = "http://www.w3.org/2000/svg"
FONT = '"DejaVu Sans", "Liberation Sans", Arial, sans-serif'
# What the drawings are made of; other rules of the sheet are of pages alone.
OF_CHARTS = re.compile(
    r"\.(chart-svg|tone-|ground|outlined|bar-|bridge-link|texture|heat|swatch|range|mark|burn-|seen-through)"
)
RULE = re.compile(r"(?P<selectors>[^{}]+)\{(?P<body>[^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LIGHT = re.compile(r"light-dark\(\s*([^,()]+),\s*[^()]+\)")
TOKEN = re.compile(r"(--[a-z-]+):\s*([^;]+);")
VARIABLE = re.compile(r"var\((--[a-z-]+)\)")
LINK = re.compile(r'<a href="[^"]*"')
VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"')


def size_of(drawing: Svg) -> tuple[float, float]:
    """Return the drawing's width and height in its own units."""
    view = VIEW_BOX.search(drawing)
    if view is None:
        raise ValueError("A drawing without a view box has no size.")
    return float(view[1]), float(view[2])


def standalone(drawing: Svg) -> str:
    """Return the drawing as a file of its own: light colours, no links, no scripts."""
    width, height = size_of(drawing)
    size = f'width="{width:g}" height="{height:g}"'
    text = LINK.sub("<g", str(drawing)).replace("</a>", "</g>")
    # A swatch says its size itself.
    said = "" if " width=" in text.partition(">")[0] else f" {size}"
    opening = f'<svg xmlns="{NAMESPACE}"{said}'
    ground = f'<rect {size} fill="#ffffff"/>'
    return text.replace("<svg", opening, 1).replace(
        ">", f"><style>{chart_style()}</style>{ground}", 1
    )


@cache
def chart_style() -> str:
    """Return the style sheet's rules of charts, its colours as they are by day."""
    sheet = COMMENT.sub("", STYLE_SHEET.read_text(encoding="utf-8"))
    # Only the rules that hold everywhere: no widths, no print, no dark.
    everywhere = sheet.partition("@media")[0]
    tokens = {
        name: LIGHT.sub(lambda match: match[1].strip(), value).strip()
        for name, value in TOKEN.findall(everywhere)
    } | {"--font": FONT}
    rules = (
        f"{selectors.strip()}{{{_resolved(body, tokens)}}}"
        for selectors, body in RULE.findall(everywhere)
        if OF_CHARTS.search(selectors) and ":" not in selectors
    )
    return "".join(rules)


def _resolved(body: str, tokens: dict[str, str]) -> str:
    filled = VARIABLE.sub(lambda match: tokens.get(match[1], ""), body)
    return " ".join(LIGHT.sub(lambda match: match[1], filled).split())
