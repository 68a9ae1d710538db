"""Which reminders are due on a day: dates in, thresholds out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

# Reminders go out this many days before a date, the earliest first.
THRESHOLDS = (90, 60, 30, 7)
# Of a claim there is less time, and money is lost the day after.
CLAIM_THRESHOLDS = (30, 14, 7, 1)
ALL_THRESHOLDS = tuple(sorted({*THRESHOLDS, *CLAIM_THRESHOLDS}, reverse=True))
DAYS_AHEAD = max(THRESHOLDS)
ESCALATED_AT = min(THRESHOLDS)


class DeadlineKind(StrEnum):
    NOTICE = "notice"
    TERM_END = "term_end"
    DOCUMENT = "document"
    TENURE = "tenure"
    CLAIM = "claim"


@dataclass(frozen=True)
class Deadline:
    """A day that an engagement must not pass unnoticed.

    `subject_id` is the document, tenure policy or credit that the day comes from, 0
    for the engagement's own dates. `name` is the document's title, the policy's name,
    or the level and window that a credit is for,
    `person` the contractor whose limit it is: words, which make no other deadline.
    """

    kind: DeadlineKind
    falls_on: date
    subject_id: int = 0
    name: str = field(default="", compare=False)
    person: str = field(default="", compare=False)


def deadlines_of(
    *,
    notice_given_on: date | None,
    notice_deadline_on: date | None,
    term_ends_on: date | None,
) -> list[Deadline]:
    """Return the dates of a running engagement that lie open, notice first.

    Once notice is given its deadline is none any more.
    """
    dates = [
        (DeadlineKind.NOTICE, None if notice_given_on else notice_deadline_on),
        (DeadlineKind.TERM_END, term_ends_on),
    ]
    return [Deadline(kind, day) for kind, day in dates if day]


def threshold_reached(
    falls_on: date, today: date, among: Sequence[int] = THRESHOLDS
) -> int | None:
    """Return the nearest threshold that `today` has reached, None outside of all."""
    days_left = (falls_on - today).days
    if days_left < 0:
        return None
    return min((each for each in among if days_left <= each), default=None)


def due_threshold(
    falls_on: date,
    *,
    today: date,
    sent: Collection[int],
    among: Sequence[int] = THRESHOLDS,
) -> int | None:
    """Return the threshold to remind one person of today, if any.

    `among` holds the thresholds that this person wants; `sent` those of which they
    were told for this very date: a date that moves starts anew. Days that were missed
    are made up by one reminder, the nearest; those before it are never sent late.
    """
    threshold = threshold_reached(falls_on, today, among)
    if threshold is None or any(each <= threshold for each in sent):
        return None
    return threshold


def is_escalated(
    deadline: Deadline, *, today: date, last_changed_on: date | None
) -> bool:
    """Tell whether the owner's manager is told too.

    So it is when 7 days or fewer are left and no person has changed the engagement
    since reminders began, 90 days before. A term's end asks for nothing by itself, and
    a claim is finance's to see as well.
    """
    if deadline.kind in (DeadlineKind.TERM_END, DeadlineKind.CLAIM):
        return False
    if threshold_reached(deadline.falls_on, today) != ESCALATED_AT:
        return False
    began_on = deadline.falls_on - timedelta(days=DAYS_AHEAD)
    return last_changed_on is None or last_changed_on < began_on
