"""What a digest says: its lines, and a subject with status and figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date, format_skeleton

from engagements.values.language import (
    gettext,
    gettext_noop,
    locale,
    ngettext,
    translated,
)
from tracker.notify.due import (
    CLAIM_THRESHOLDS,
    THRESHOLDS,
    DeadlineKind,
    threshold_reached,
)

_HEADINGS = {
    DeadlineKind.NOTICE: gettext_noop("Notice deadlines"),
    DeadlineKind.TERM_END: gettext_noop("Term ends"),
    DeadlineKind.DOCUMENT: gettext_noop("Documents that expire"),
    DeadlineKind.TENURE: gettext_noop("Tenure limits"),
    DeadlineKind.CLAIM: gettext_noop("Service credits to claim"),
}
_NAMES = {
    DeadlineKind.NOTICE: gettext_noop("notice deadline"),
    DeadlineKind.TERM_END: gettext_noop("term end"),
    DeadlineKind.DOCUMENT: gettext_noop("document expiry"),
    DeadlineKind.TENURE: gettext_noop("tenure limit"),
    DeadlineKind.CLAIM: gettext_noop("claim of a credit"),
}


@dataclass(frozen=True)
class Line:
    """One date of one engagement, as the mail shows it.

    `address` is empty where the product doesn't know its own; `owner` is empty unless
    the line tells a manager of what somebody else has left unanswered. `about` is the
    document, or the policy and its contractor, that the date comes from.
    """

    kind: DeadlineKind
    falls_on: date
    days_left: int
    reference: str
    title: str
    vendor: str
    outcome: str
    address: str = ""
    owner: str = ""
    about: str = ""
    engagement_id: int = 0

    @property
    def kind_name(self) -> str:
        return translated(_NAMES[self.kind])

    @property
    def day(self) -> str:
        return full_day(self.falls_on)

    @property
    def left(self) -> str:
        if self.days_left == 0:
            return gettext("today")
        words = ngettext("%(n)d day left", "%(n)d days left", self.days_left)
        return words % {"n": self.days_left}


@dataclass(frozen=True)
class Section:
    title: str
    lines: Sequence[Line]


def subject(lines: Sequence[Line], today: date) -> str:
    """Return such as "3 notice deadlines within 30 days, the first on 30 Nov".

    What comes second in a mixed digest is counted only. Holds no text that people
    typed, so nothing they type can reach a mail's headers.
    """
    by_kind = [[line for line in lines if line.kind is kind] for kind in DeadlineKind]
    first, *rest = [found for found in by_kind if found]
    counts = [_summary(first, today), *map(_count, rest)]
    text = gettext(", and ").join(filter(None, [", ".join(counts[:-1]), counts[-1]]))
    if all(line.owner for line in lines):
        return gettext("Unanswered: %(what)s") % {"what": text}
    return text


def _summary(lines: Sequence[Line], today: date) -> str:
    days = sorted(line.falls_on for line in lines)
    is_claim = lines[0].kind is DeadlineKind.CLAIM
    among = CLAIM_THRESHOLDS if is_claim else THRESHOLDS
    within = threshold_reached(days[-1], today, among) or among[0]
    words = (
        ngettext(
            "%(what)s within %(n)d day, on %(day)s",
            "%(what)s within %(n)d days, on %(day)s",
            within,
        )
        if len(days) == 1
        else ngettext(
            "%(what)s within %(n)d day, the first on %(day)s",
            "%(what)s within %(n)d days, the first on %(day)s",
            within,
        )
    )
    return words % {"what": _count(lines), "n": within, "day": _day(days[0], today)}


def _count(lines: Sequence[Line]) -> str:
    count = len(lines)
    words = {
        DeadlineKind.NOTICE: ngettext(
            "%(n)d notice deadline", "%(n)d notice deadlines", count
        ),
        DeadlineKind.TERM_END: ngettext("%(n)d term end", "%(n)d term ends", count),
        DeadlineKind.DOCUMENT: ngettext(
            "%(n)d document expiry", "%(n)d document expiries", count
        ),
        DeadlineKind.TENURE: ngettext(
            "%(n)d tenure limit", "%(n)d tenure limits", count
        ),
        DeadlineKind.CLAIM: ngettext(
            "%(n)d claim of a credit", "%(n)d claims of credits", count
        ),
    }
    return words[lines[0].kind] % {"n": count}


def _day(day: date, today: date) -> str:
    if day.year != today.year:
        return full_day(day)
    return format_skeleton("MMMd", day, locale=locale())


def full_day(day: date) -> str:
    return format_date(day, "medium", locale=locale())


def sections(lines: Sequence[Line]) -> list[Section]:
    """Return the lines in the order of their dates, under headings."""
    ordered = sorted(lines, key=lambda line: (line.falls_on, line.reference))
    own = [line for line in ordered if not line.owner]
    found = [
        *(
            Section(translated(heading), [line for line in own if line.kind is kind])
            for kind, heading in _HEADINGS.items()
        ),
        Section(gettext("Unanswered by their owner"), [x for x in ordered if x.owner]),
    ]
    return [section for section in found if section.lines]
