"""How a person wants to be told, whether they ever said so or not."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from tracker.notify.choices import MAILED_TOPICS, Channel, Frequency, Topic
from tracker.notify.due import (
    CLAIM_THRESHOLDS,
    ESCALATED_AT,
    THRESHOLDS,
    DeadlineKind,
)
from tracker.notify.models import NotificationPreference
from tracker.notify.schedule import is_daytime, last_digest_time


@dataclass(frozen=True)
class Wishes:
    """A person's preferences, or the defaults where they have chosen none."""

    channel: str = Channel.MAIL
    frequency: str = Frequency.AT_ONCE
    digest_hour: int = 7
    digest_weekday: int = 0
    kinds_left_out: frozenset[str] = frozenset()
    thresholds_left_out: frozenset[int] = frozenset()
    mailed_topics: frozenset[str] = frozenset(MAILED_TOPICS)
    time_zone: str = ""
    digest_at: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or timezone.get_default_timezone_name())

    def thresholds(self, kind: DeadlineKind) -> tuple[int, ...]:
        """Return at how many days to tell of a kind of date; 7 or fewer always."""
        offered = CLAIM_THRESHOLDS if kind is DeadlineKind.CLAIM else THRESHOLDS
        if kind.value in self.kinds_left_out:
            return tuple(each for each in offered if each <= ESCALATED_AT)
        left_out = self.thresholds_left_out - {ESCALATED_AT}
        return tuple(each for each in offered if each not in left_out)

    def mails(self, topic: Topic) -> bool:
        return self.channel == Channel.MAIL and topic in self.mailed_topics

    def has_digest(self, now: datetime) -> bool:
        """Tell whether a digest may go out now."""
        if self.channel != Channel.MAIL:
            return False
        match self.frequency:
            case Frequency.AT_ONCE:
                return is_daytime(now, self.zone)
            case Frequency.DAILY:
                return self._is_due(now, None)
            case Frequency.WEEKLY:
                return self._is_due(now, self.digest_weekday)
            case _:
                return False

    def has_urgent_mail(self, now: datetime) -> bool:
        """Tell whether what can't wait may go out now, whatever was chosen."""
        return is_daytime(now, self.zone)

    def _is_due(self, now: datetime, weekday: int | None) -> bool:
        due_at = last_digest_time(
            now, self.zone, hour=self.digest_hour, weekday=weekday
        )
        return self.digest_at is None or self.digest_at < due_at


def wishes_of(preference: NotificationPreference | None) -> Wishes:
    if preference is None:
        return Wishes()
    topics = preference.mailed_topics
    return Wishes(
        channel=preference.channel,
        frequency=preference.frequency,
        digest_hour=preference.digest_hour,
        digest_weekday=preference.digest_weekday,
        kinds_left_out=frozenset(preference.kinds_left_out),
        thresholds_left_out=frozenset(preference.thresholds_left_out),
        mailed_topics=frozenset(MAILED_TOPICS if topics is None else topics),
        time_zone=preference.time_zone,
        digest_at=preference.digest_at,
    )


def wishes_by_user() -> dict[int, Wishes]:
    """Return the wishes of all who have said some, by user."""
    rows = NotificationPreference.objects.all()
    return {row.user_id: wishes_of(row) for row in rows}
