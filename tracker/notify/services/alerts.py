"""Events become alerts: each event once, whoever runs this and is killed when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from engagements.models import Event, User
from tracker.notify.audiences import engagement_of
from tracker.notify.event_types import TELLINGS, people_told_of
from tracker.notify.models import Alert, AlertCursor, ToldEvent
from tracker.notify.preferences import Wishes, wishes_by_user
from tracker.notify.recipients import is_address

# Ids are given out when a row is written and seen when its transaction commits, so an
# event may turn up below others that were told of long ago. No transaction lives
# longer than a task may, an hour: what is older than this can't turn up any more.
LATEST_COMMIT = timedelta(hours=2)
BATCH = 200
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Told:
    """What a run did."""

    events: int = 0
    alerts: int = 0


def tell_events(*, now: datetime | None = None) -> Told:
    """Tell people of the events that nobody was told of yet.

    Each batch is one transaction: its alerts, and the mark that its events are told.
    A run that is killed leaves nothing half told, and a second one at the same time
    finds the cursor locked and leaves the work to the first.
    """
    told = Told()
    wishes = wishes_by_user()
    while True:
        batch = _tell_batch(now or timezone.now(), wishes)
        told = Told(told.events + batch.events, told.alerts + batch.alerts)
        if batch.events < BATCH:
            return told


@transaction.atomic
def _tell_batch(now: datetime, wishes: dict[int, Wishes]) -> Told:
    AlertCursor.objects.bulk_create([AlertCursor(pk=1)], ignore_conflicts=True)
    cursor = AlertCursor.objects.select_for_update(skip_locked=True).first()
    if cursor is None:
        return Told()
    events = list(_untold(cursor)[:BATCH])
    alerts = [alert for event in events for alert in _alerts(event, wishes)]
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)
    ToldEvent.objects.bulk_create([ToldEvent(event=event) for event in events])
    if len(events) < BATCH:
        _advance(cursor, now)
    return Told(len(events), len(alerts))


def _untold(cursor: AlertCursor) -> QuerySet[Event]:
    told = ToldEvent.objects.filter(event=OuterRef("pk"))
    return (
        Event.objects.filter(~Exists(told), event_type__in=TELLINGS)
        .filter(pk__gt=cursor.event_id)
        .select_related("actor")
        .order_by("pk")
    )


def _advance(cursor: AlertCursor, now: datetime) -> None:
    """Let the cursor go up to the last event below which none can turn up."""
    later = Event.objects.filter(pk__gt=cursor.event_id)
    recent = later.filter(occurred_at__gte=now - LATEST_COMMIT)
    first_recent = recent.aggregate(first=Min("pk"))["first"]
    last = later.aggregate(last=Max("pk"))["last"]
    settled = last if first_recent is None else first_recent - 1
    if settled is None or settled <= cursor.event_id:
        return
    cursor.event_id = settled
    cursor.save(update_fields=["event_id"])
    ToldEvent.objects.filter(pk__lte=settled).delete()


def _alerts(event: Event, wishes: dict[int, Wishes]) -> list[Alert]:
    engagement = engagement_of(event)
    topic = TELLINGS[event.event_type].topic
    return [
        Alert(
            recipient=person,
            event=event,
            engagement_id=engagement.pk if engagement else None,
            is_mailed=is_address(person.email)
            and (wishes.get(person.pk) or Wishes()).mails(topic),
        )
        for person in people_told_of(event)
    ]


def mark_read(*, user: User, alert_id: int | None = None) -> int:
    """Mark one alert of the user's as read, or all that they may see; return how many.

    Reading is nobody else's concern: no event tells of it.
    """
    rows = Alert.objects.all().visible_to(user).unread()
    if alert_id is not None:
        rows = rows.filter(pk=alert_id)
    ids = list(rows.values_list("pk", flat=True))
    return Alert.objects.filter(pk__in=ids).update(read_at=timezone.now())


def remove_read_alerts(*, now: datetime) -> int:
    """Remove what was read long ago; what nobody has read stays."""
    removed, _by_model = Alert.objects.filter(read_at__lt=now - KEPT).delete()
    return removed
