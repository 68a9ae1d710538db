import secrets

from django.db import transaction

from engagements import events
from engagements.models import User
from tracker.notify.models import CalendarFeed

TOKEN_BYTES = 32


@transaction.atomic
def renew_feed(*, user: User, actor: User | None) -> CalendarFeed:
    """Give the user's calendar a new address; the one before opens nothing any more."""
    feed, _created = CalendarFeed.objects.update_or_create(
        user=user, defaults={"token": secrets.token_urlsafe(TOKEN_BYTES)}
    )
    events.record(event_type="calendar_feed.renewed", subject=feed, actor=actor)
    return feed


@transaction.atomic
def turn_off_feed(*, user: User, actor: User | None) -> None:
    """Take the user's calendar off; without one, nothing happens."""
    feed = CalendarFeed.objects.select_for_update().filter(user=user).first()
    if feed is None:
        return
    events.record(event_type="calendar_feed.turned_off", subject=feed, actor=actor)
    feed.delete()
