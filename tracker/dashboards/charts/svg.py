"""The few words of SVG that the charts are written in."""

from collections.abc import Mapping
from decimal import Decimal
from html import escape

HUNDREDTH = Decimal("0.01")

Attribute = str | int | Decimal
Attributes = Mapping[str, Attribute]


class Svg(str):
    """Markup whose text is escaped already; templates print it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def element(name: str, attributes: Attributes, *children: str) -> Svg:
    """Return one element; children that are not `Svg` are escaped as text."""
    written = "".join(
        f' {key}="{escape(_attribute(value))}"' for key, value in attributes.items()
    )
    if not children:
        return Svg(f"<{name}{written}/>")
    inner = "".join(_child(child) for child in children)
    return Svg(f"<{name}{written}>{inner}</{name}>")


def pixels(value: Decimal | int) -> Decimal:
    """Return a position rounded to a hundredth of a unit of the drawing."""
    return Decimal(value).quantize(HUNDREDTH)


def shortened(text: str, limit: int) -> str:
    """Return text of at most `limit` characters, the cut marked by an ellipsis."""
    if len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)].rstrip() + "…"


def _child(child: str) -> str:
    return str(child) if isinstance(child, Svg) else escape(child)


def _attribute(value: Attribute) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
