"""What is to be reminded of, of what people were told, and whose a calendar is."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from engagements.choices import Status
from engagements.models import Engagement, Event, User
from tracker.notify.due import DAYS_AHEAD, Deadline, DeadlineKind
from tracker.notify.models import CalendarFeed, Reminder


class Told(NamedTuple):
    """What one person was told of: a date of an engagement."""

    recipient_id: int
    engagement_id: int
    deadline: Deadline


def engagements_with_dates(today: date) -> QuerySet[Engagement]:
    """Return engagements with a date near enough for reminders.

    Those that are closed, or not agreed yet, ask for none; nor do those whose notice is
    given, since the decision is taken.
    """
    near = (today, today + timedelta(days=DAYS_AHEAD))
    return (
        Engagement.objects.filter(status=Status.ACTIVE, notice_given_on__isnull=True)
        .filter(Q(notice_deadline_on__range=near) | Q(term_ends_on__range=near))
        .select_related("vendor", "manager__manager", "department__head")
        .order_by("id")
    )


def thresholds_told(today: date) -> dict[Told, set[int]]:
    """Return the thresholds of which people were told, for dates still to come."""
    told: dict[Told, set[int]] = defaultdict(set)
    rows = Reminder.objects.filter(falls_on__gte=today, sent_at__isnull=False)
    for person, engagement, kind, falls_on, threshold in rows.values_list(
        "recipient_id", "engagement_id", "kind", "falls_on", "threshold_days"
    ):
        deadline = Deadline(DeadlineKind(kind), falls_on)
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


def feed_engagements(user: User) -> QuerySet[Engagement]:
    """Return the active engagements with dates that the user may see."""
    return (
        Engagement.objects.all()
        .visible_to(user)
        .filter(status=Status.ACTIVE, term_ends_on__isnull=False)
        .select_related("vendor")
        .order_by("term_ends_on", "id")
    )
