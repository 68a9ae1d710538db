"""What stands on the sheets of a report: the page's own sections, without its links."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.notation import FALLBACK_LOCALE
from tracker.dashboards.paper.charts import size_of, standalone
from tracker.dashboards.paper.printing import pdf_of
from tracker.dashboards.spend_series import Drawing
from tracker.dashboards.tables import Table, TableRow

# Paper with more is not read; the files have every row.
ROWS_PRINTED = 1000
FULL_WIDTH = 100
NARROW_WIDTH = 62
# Wider than high drawings take the sheet's width.
WIDE_FROM = 2


@dataclass(frozen=True)
class Sheet:
    """One part of the paper: a heading, a drawing where there is one, a table."""

    title: str
    table: Table
    note: str = ""
    drawing: Drawing | None = None
    left_out: str = ""
    # Said where the table has no rows.
    nothing: str = ""


@dataclass
class Paper:
    title: str
    eyebrow: str
    as_of: str
    foot: str
    sheets: Sequence[Sheet]
    chips: Sequence[str] = ()
    drawings: dict[str, str] = field(default_factory=dict)

    def pdf(self) -> bytes:
        """Return the file; raises NoPrinterError."""
        sections = [
            self._section(sheet, number) for number, sheet in enumerate(self.sheets)
        ]
        data = {
            "title": self.title,
            "eyebrow": self.eyebrow,
            "as_of": self.as_of,
            "foot": self.foot,
            "chips": list(self.chips),
            "language": (get_language() or FALLBACK_LOCALE)[:2],
            "sections": sections,
        }
        return pdf_of(data, self.drawings)

    def _section(self, sheet: Sheet, number: int) -> dict[str, Any]:
        table = sheet.table
        return {
            "title": sheet.title,
            "note": sheet.note,
            **self._drawn(sheet, number),
            "columns": [
                {
                    "title": head.text,
                    "number": head.is_number,
                }
                for head in table.heads
            ],
            "rows": [_row(row) for row in table.rows],
            "totals": [cell.text for cell in table.totals],
            "empty": sheet.nothing or _("Nothing is recorded for these filters."),
            "left_out": sheet.left_out,
        }

    def _drawn(self, sheet: Sheet, number: int) -> dict[str, Any]:
        drawing = sheet.drawing
        if drawing is None:
            return {"chart": "", "key": [], "width": 0, "alt": ""}
        chart = f"chart-{number}.svg"
        self.drawings[chart] = standalone(drawing.wide)
        key = []
        for place, entry in enumerate(drawing.key):
            name = f"key-{number}-{place}.svg"
            self.drawings[name] = standalone(entry.swatch)
            key.append({"swatch": name, "label": str(entry.label)})
        return {
            "chart": chart,
            "key": key,
            "width": FULL_WIDTH if _is_wide(drawing.wide) else NARROW_WIDTH,
            "alt": _("%(title)s; the table below has the same figures")
            % {"title": sheet.title or self.title},
        }


def _row(row: TableRow) -> dict[str, Any]:
    return {
        "cells": [cell.text for cell in row.cells],
        "remainder": row.is_remainder,
    }


def _is_wide(drawing: Svg) -> bool:
    width, height = size_of(drawing)
    return width >= height * WIDE_FROM
