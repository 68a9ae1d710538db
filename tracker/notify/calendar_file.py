"""Deadlines as an iCalendar file (RFC 5545): one whole-day event for each date."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event

from engagements.values.language import gettext_noop, translated
from tracker.notify.due import DeadlineKind

PRODUCT = "-//Engagement tracker//Deadlines//EN"
NAME = gettext_noop("Engagement deadlines")
# Calendars ask again about this often; reminders don't depend on it.
REFRESHED_EVERY = timedelta(hours=12)

_TITLES = {
    DeadlineKind.NOTICE: gettext_noop("Notice deadline"),
    DeadlineKind.TERM_END: gettext_noop("Term ends"),
    DeadlineKind.DOCUMENT: gettext_noop("Document expires"),
    DeadlineKind.TENURE: gettext_noop("Tenure limit"),
    DeadlineKind.CLAIM: gettext_noop("Claim a service credit"),
}


@dataclass(frozen=True)
class Entry:
    """One date of one engagement; `version` and `changed_at` are the engagement's.

    `subject_id` is the document or the policy of the date, 0 for the engagement's own.
    """

    public_id: UUID
    kind: DeadlineKind
    falls_on: date
    name: str
    description: str
    address: str
    version: int
    changed_at: datetime
    subject_id: int = 0

    @property
    def uid(self) -> str:
        """Stable for life: a date that moves moves its event, and makes no second."""
        subject = f"-{self.subject_id}" if self.subject_id else ""
        return f"{self.public_id}-{self.kind.value}{subject}@engagement-tracker"


def calendar_file(entries: Iterable[Entry]) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", translated(NAME))
    calendar.add("refresh-interval", REFRESHED_EVERY, {"VALUE": "DURATION"})
    for entry in entries:
        calendar.add_component(_event(entry))
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.version)
    event.add("dtstart", entry.falls_on)
    event.add("dtend", entry.falls_on + timedelta(days=1))
    event.add("summary", _plain(f"{translated(_TITLES[entry.kind])}: {entry.name}"))
    event.add("description", _plain(entry.description))
    event.add("url", entry.address)
    # A deadline doesn't make anybody busy.
    event.add("transp", "TRANSPARENT")
    return event


def _plain(text: str) -> str:
    """Return the text without control characters, which the format forbids."""
    return "".join(each for each in text if each.isprintable() or each == "\n")
