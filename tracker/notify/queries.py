"""What is to be reminded of, of what people were told, and whose a calendar is."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db.models import Max
from django.utils import timezone

from engagements.models import Engagement, Event, User
from tracker.notify.due import Deadline, DeadlineKind
from tracker.notify.models import (
    Alert,
    CalendarFeed,
    NotificationPreference,
    Reminder,
)


class Told(NamedTuple):
    """What one person was told of: a date of an engagement."""

    recipient_id: int
    engagement_id: int
    deadline: Deadline


def thresholds_told(today: date) -> dict[Told, set[int]]:
    """Return the thresholds of which people were told, for dates still to come."""
    told: dict[Told, set[int]] = defaultdict(set)
    rows = Reminder.objects.filter(falls_on__gte=today, sent_at__isnull=False)
    for person, engagement, kind, subject, falls_on, threshold in rows.values_list(
        "recipient_id",
        "engagement_id",
        "kind",
        "subject_id",
        "falls_on",
        "threshold_days",
    ):
        deadline = Deadline(DeadlineKind(kind), falls_on, subject)
        told[Told(person, engagement, deadline)].add(threshold)
    return told


def last_changes(engagements: Iterable[int]) -> dict[int, date]:
    """Return the local day on which a person last changed each of the engagements."""
    changes = (
        Event.objects.filter(engagement_id__in=engagements, actor__isnull=False)
        .order_by()
        .values_list("engagement_id")
        .annotate(Max("occurred_at"))
    )
    return {
        engagement: timezone.localdate(moment)
        for engagement, moment in changes
        if engagement is not None
    }


def visible_ids(person: User, engagements: Iterable[int]) -> set[int]:
    """Return those of the engagements that the person may see."""
    rows = Engagement.objects.all().visible_to(person).filter(pk__in=engagements)
    return set(rows.values_list("pk", flat=True))


def feed_of(user: User) -> CalendarFeed | None:
    return CalendarFeed.objects.filter(user=user).first()


def feed_owner(token: str) -> User | None:
    """Return whose feed the token opens, unless it was renewed or they left."""
    feed = (
        CalendarFeed.objects.select_related("user")
        .filter(token=token, user__is_active=True)
        .first()
    )
    return feed.user if feed else None


def preference_of(user: User) -> NotificationPreference | None:
    return NotificationPreference.objects.filter(user=user).first()


def unread_alerts(user: User, *, most: int = 100) -> int:
    """Count what the user has not read and may still see, up to `most`: one query."""
    return Alert.objects.all().visible_to(user).unread()[:most].count()


def failed_mails(today: date) -> int:
    """Count the mails that could not be sent and are still to be, by whichever way."""
    reminders = Reminder.objects.filter(
        failed_at__isnull=False, sent_at=None, falls_on__gte=today
    )
    alerts = Alert.objects.filter(
        is_mailed=True, failed_at__isnull=False, mailed_at=None
    )
    return reminders.count() + alerts.count()
