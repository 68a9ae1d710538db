"""What a digest says: its lines, and a subject with status and figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tracker.notify.due import (
    CLAIM_THRESHOLDS,
    THRESHOLDS,
    DeadlineKind,
    threshold_reached,
)

_NAMES = {
    DeadlineKind.NOTICE: ("notice deadline", "notice deadlines"),
    DeadlineKind.TERM_END: ("term end", "term ends"),
    DeadlineKind.DOCUMENT: ("document expiry", "document expiries"),
    DeadlineKind.TENURE: ("tenure limit", "tenure limits"),
    DeadlineKind.CLAIM: ("claim of a credit", "claims of credits"),
}
_HEADINGS = {
    DeadlineKind.NOTICE: "Notice deadlines",
    DeadlineKind.TERM_END: "Term ends",
    DeadlineKind.DOCUMENT: "Documents that expire",
    DeadlineKind.TENURE: "Tenure limits",
    DeadlineKind.CLAIM: "Service credits to claim",
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
        return _NAMES[self.kind][0]

    @property
    def day(self) -> str:
        return full_day(self.falls_on)

    @property
    def left(self) -> str:
        if self.days_left == 0:
            return "today"
        return "1 day left" if self.days_left == 1 else f"{self.days_left} days left"


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
    text = ", and ".join(filter(None, [", ".join(counts[:-1]), counts[-1]]))
    return f"Unanswered: {text}" if all(line.owner for line in lines) else text


def _summary(lines: Sequence[Line], today: date) -> str:
    days = sorted(line.falls_on for line in lines)
    which = "on" if len(days) == 1 else "the first on"
    is_claim = lines[0].kind is DeadlineKind.CLAIM
    among = CLAIM_THRESHOLDS if is_claim else THRESHOLDS
    within = threshold_reached(days[-1], today, among)
    unit = "day" if within == 1 else "days"
    return f"{_count(lines)} within {within} {unit}, {which} {_day(days[0], today)}"


def _count(lines: Sequence[Line]) -> str:
    one, many = _NAMES[lines[0].kind]
    return f"1 {one}" if len(lines) == 1 else f"{len(lines)} {many}"


def _day(day: date, today: date) -> str:
    return f"{day.day} {day:%b}" if day.year == today.year else full_day(day)


def full_day(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"


def sections(lines: Sequence[Line]) -> list[Section]:
    """Return the lines in the order of their dates, under headings."""
    ordered = sorted(lines, key=lambda line: (line.falls_on, line.reference))
    own = [line for line in ordered if not line.owner]
    found = [
        *(
            Section(heading, [line for line in own if line.kind is kind])
            for kind, heading in _HEADINGS.items()
        ),
        Section("Unanswered by their owner", [x for x in ordered if x.owner]),
    ]
    return [section for section in found if section.lines]
