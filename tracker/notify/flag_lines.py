"""Flags that wait for a decision, as a digest tells them: why, and until when."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from engagements.choices import Kind
from engagements.models import User
from engagements.values.written import format_number
from tracker.fit.explanation import MOST_AGAINST, MOST_FOR, percent
from tracker.fit.queries import Told, asking_flags
from tracker.fit.reading import changes_of, points_of
from tracker.notify.mails import page_address
from tracker.notify.wording import full_day

CHANGES_TOLD = 2
DIGITS = 2


@dataclass(frozen=True)
class FlagLine:
    """One flag with the points behind it, which with `rest` sum to `margin`."""

    title: str
    reference: str
    vendor: str
    says: str
    deadline: str
    points: Sequence[tuple[str, str]]
    rest: str
    margin: str
    changes: Sequence[str]
    address: str


def flag_lines(
    *, person: User, engagements: Collection[int], today: date
) -> list[FlagLine]:
    """Those of the engagements, and of those the person answers for; first due first.

    Nothing where the person sees no flags; a fixed number of queries.
    """
    return [_line(told, today) for told in asking_flags(person, engagements)]


def _line(told: Told, today: date) -> FlagLine:
    flag, found = told.flag, told.assessment
    engagement = flag.engagement
    points = points_of(found) if found else []
    shown = _telling(points)
    # As they are read: what is shown adds up to the last digit.
    margin = round(found.margin, DIGITS) if found else 0.0
    rest = margin - sum(round(point["points"], DIGITS) for point in shown)
    changes = changes_of(found)[:CHANGES_TOLD] if found else []
    return FlagLine(
        title=engagement.title,
        reference=engagement.reference,
        vendor=engagement.vendor.legal_name,
        says=_says(told),
        deadline=_deadline(flag.notice_deadline_on, today),
        points=[(_signed(p["points"]), capfirst(p["sentence"])) for p in shown],
        rest=_signed(round(rest, DIGITS)) if points else "",
        margin=_signed(margin) if found else "",
        changes=[_change(change) for change in changes],
        address=page_address("admin:tracker_flag_change", flag.pk),
    )


def _says(told: Told) -> str:
    flag, found = told.flag, told.assessment
    reason = capfirst(flag.strongest_reason)
    if not flag.leaning:
        return _("A decision is asked for. %(reason)s.") % {"reason": reason}
    return _("%(model)s would fit better: %(share)s. %(reason)s.") % {
        "model": Kind(flag.leaning).label,
        "share": percent(found.opposition if found else flag.opposition),
        "reason": reason,
    }


def _telling(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The three largest for what they sum to, and the two largest against it."""
    ordered = sorted(points, key=lambda point: -abs(point["points"]))
    towards = 1 if sum(point["points"] for point in ordered) >= 0 else -1
    speaking_for = [p for p in ordered if towards * p["points"] > 0]
    against = [p for p in ordered if towards * p["points"] < 0]
    return [*speaking_for[:MOST_FOR], *against[:MOST_AGAINST]]


def _change(change: Mapping[str, Any]) -> str:
    sentence = str(change["sentence"])
    if change["value"] is not None:
        return _("It would be otherwise %(if)s.") % {"if": sentence}
    return f"{capfirst(sentence)}."


def _signed(points: float) -> str:
    """Above 0 for a managed service; a true minus keeps columns apart from dashes."""
    sign = "\N{MINUS SIGN}" if points < 0 else "+"
    return f"{sign}{format_number(abs(points), DIGITS)}"


def _deadline(day: date | None, today: date) -> str:
    if day is None:
        return _("No deadline for notice.")
    if day < today:
        return _("Notice was due by %(day)s.") % {"day": full_day(day)}
    return _("Give notice by %(day)s.") % {"day": full_day(day)}
