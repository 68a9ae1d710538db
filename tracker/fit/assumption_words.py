"""What is assumed about money, in its reader's language.

Stored beside the amounts that follow from it, with its figures; the words are said
when they are read.  What was stored without figures is read as it was written.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as marked

from engagements.values.language import gettext as _
from engagements.values.language import translated
from engagements.values.written import format_number
from tracker.fit.money import JUDGEMENT, SWITCHING, VENDORS

OWN_RECORDS = {
    "vendors": marked("our own records of %(n)s vendors"),
    "engagements": marked("our own records of %(n)s engagements"),
}
SOURCES = {
    VENDORS: marked("vendors' published claims"),
    JUDGEMENT: marked("our judgement"),
}


def in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored assumption with its meaning, figure and source as they are read."""
    return {
        **row,
        "meaning": translated(row["meaning"]),
        "figure": _figure(row),
        "source": _source(row),
    }


def _figure(row: Mapping[str, Any]) -> str:
    if "triangle" not in row:
        return str(row["figure"])
    units = {one.code: one.unit for one in SWITCHING}
    least, likely, most = row["triangle"]
    if units.get(row["code"]):
        # Of those that there are, one has a unit.
        words = _("%(least)s to %(most)s months, mostly %(likely)s")
        shown = {"least": least, "likely": likely, "most": most}
        return words % {name: _plain(figure) for name, figure in shown.items()}
    words = _("%(least)s to %(most)s %%, mostly %(likely)s %%")
    shown = {"least": 100 * least, "likely": 100 * likely, "most": 100 * most}
    return words % {name: _plain(figure) for name, figure in shown.items()}


def _plain(figure: float) -> str:
    """With as many digits as it needs, up to two."""
    figure = round(figure, 4)
    digits = next(n for n in (0, 1, 2) if n == 2 or round(figure, n) == figure)
    return format_number(figure, digits)


def _source(row: Mapping[str, Any]) -> str:
    of = row.get("own_of")
    if of in OWN_RECORDS:
        return translated(OWN_RECORDS[of]) % {"n": format_number(row["own_count"])}
    return translated(row["source"])
