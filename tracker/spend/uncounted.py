"""What no sum in the reporting currency holds, since no exchange rate is known of it.

One engagement in such a currency keeps nothing else from being reckoned: it is left
out, and whoever shows the sum says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tracker.spend.fx import Rates

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from engagements.models import Engagement

_NAMED = 5


@dataclass(frozen=True, order=True)
class Uncounted:
    """An engagement, or a published set of rates, that is left out of a sum."""

    name: str
    currency: str
    engagement_id: int | None = None


def uncounted(engagement: Engagement) -> Uncounted:
    return Uncounted(engagement.reference, engagement.currency, engagement.pk)


def in_words(
    found: Iterable[Uncounted], *, named: Collection[int] | None = None
) -> str:
    """Return what is not counted and why, blank where all is.

    Of engagements that aren't among the `named` ids only the number is told.
    """
    rows = sorted(set(found))
    seen = [
        one
        for one in rows
        if named is None or one.engagement_id is None or one.engagement_id in named
    ][:_NAMED]
    parts = [f"{one.name} ({one.currency})" for one in seen]
    others = [one for one in rows if one not in seen]
    if others:
        parts.append(_others(others, has_more=bool(seen)))
    if not parts:
        return ""
    return _("Not counted, since no exchange rate is known: %(names)s.") % {
        "names": ", ".join(parts)
    }


def _others(others: list[Uncounted], *, has_more: bool) -> str:
    told = (
        ngettext(
            "%(n)d more (%(currencies)s)", "%(n)d more (%(currencies)s)", len(others)
        )
        if has_more
        else ngettext(
            "%(n)d engagement (%(currencies)s)",
            "%(n)d engagements (%(currencies)s)",
            len(others),
        )
    )
    currencies = sorted({one.currency for one in others})
    return told % {"n": len(others), "currencies": ", ".join(currencies)}


def without_rate(rows: QuerySet[Engagement], day: date) -> list[Uncounted]:
    """Return those of the engagements whose currency has no rate on the day."""
    rates = Rates()
    currencies = rows.order_by().values_list("currency", flat=True).distinct()
    unknown = [code for code in currencies if not rates.has(code, day)]
    if not unknown:
        return []
    return [uncounted(one) for one in rows.filter(currency__in=unknown)]
