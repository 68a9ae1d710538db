"""The four series of spend, and a reader's figures as segments of a stack."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_noop

from engagements.values.language import translated
from tracker.dashboards.charts.series import Segment, Series, Texture, swatch
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.notation import Notation
from tracker.spend.queries import SpendParts

MANAGED = Series("managed", gettext_noop("Managed"), "managed")
MANAGED_ACCRUED = Series(
    "managed-accrued",
    gettext_noop("Managed, not yet invoiced"),
    "managed",
    Texture.HATCH,
)
AUGMENTED = Series("augmented", gettext_noop("Augmented"), "augmented", Texture.DOTS)
AUGMENTED_ACCRUED = Series(
    "augmented-accrued",
    gettext_noop("Augmented, not yet invoiced"),
    "augmented",
    Texture.HATCH,
)


@dataclass(frozen=True)
class KeyEntry:
    swatch: Svg
    label: str


@dataclass(frozen=True)
class Drawing:
    """A chart in two widths, and what its series are called."""

    key: Sequence[KeyEntry]
    wide: Svg
    narrow: Svg


def segments(parts: SpendParts, name: str, notation: Notation) -> list[Segment]:
    """Return the stack of one column or bar, called `name` in its marks' titles."""
    values = _values(parts)
    return [
        Segment(
            series,
            value,
            f"{name}\n{translated(series.label)}: {notation.money(value)}",
        )
        for series, value in values
        # Nothing has no mark, so that nothing is to be said of it.
        if value
    ]


def stack_text(parts: SpendParts, name: str, notation: Notation) -> str:
    """Return the whole of one column or bar in words."""
    return f"{name}: {notation.money(parts.total)}"


def key_of(series: Iterable[Series], chart_id: str) -> list[KeyEntry]:
    """Return what explains the series, each called so in the reader's language."""
    return [KeyEntry(swatch(each, chart_id), translated(each.label)) for each in series]


def key(all_parts: Sequence[SpendParts], chart_id: str) -> list[KeyEntry]:
    """Return the series that have figures, in the order they are stacked."""
    used = {series for parts in all_parts for series, value in _values(parts) if value}
    stacked = (MANAGED, MANAGED_ACCRUED, AUGMENTED, AUGMENTED_ACCRUED)
    return key_of((series for series in stacked if series in used), chart_id)


def _values(parts: SpendParts) -> list[tuple[Series, Decimal]]:
    return [
        (MANAGED, parts.managed_actual),
        (MANAGED_ACCRUED, parts.managed_accrued),
        (AUGMENTED, parts.augmented_actual),
        (AUGMENTED_ACCRUED, parts.augmented_accrued),
    ]
