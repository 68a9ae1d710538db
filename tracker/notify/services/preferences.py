from collections.abc import Mapping
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from engagements import events
from engagements.models import User
from tracker.notify.choices import Frequency
from tracker.notify.models import NotificationPreference
from tracker.notify.unsubscribing import Mailing

_SCHEDULE = ("frequency", "digest_hour", "digest_weekday", "time_zone")


@transaction.atomic
def set_preferences(
    *, user: User, values: Mapping[str, Any], actor: User | None
) -> NotificationPreference:
    """Store how the user wants to be told; raises ValidationError by field.

    Under a new schedule the first digest comes at its first time, with all that was
    held back under the one before.
    """
    before = NotificationPreference.objects.select_for_update().filter(user=user)
    stored = before.first()
    preference = before.first() or NotificationPreference(user=user)
    for name, value in values.items():
        setattr(preference, name, value)
    changes = events.difference(stored, preference)
    if stored is None or any(name in changes for name in _SCHEDULE):
        preference.digest_at = timezone.now()
    preference.full_clean()
    preference.save()
    if changes:
        events.record(
            event_type="notification_preference.changed",
            subject=preference,
            changes=changes,
            actor=actor,
        )
    return preference


class Ending(Protocol):
    def __call__(self, *, person: User, actor: User | None) -> None: ...


_ENDINGS: dict[Mailing, Ending] = {}


def ends_mailing(mailing: Mailing, end: Ending) -> None:
    """Register how mails of a kind end that this slice knows nothing of."""
    _ENDINGS[mailing] = end


def unsubscribe(*, user: User, mailing: Mailing, actor: User | None) -> None:
    """End the mails of a kind; repeating has no effect."""
    if mailing in _ENDINGS:
        _ENDINGS[mailing](person=user, actor=actor)
        return
    values: dict[Mailing, dict[str, Any]] = {
        Mailing.DIGEST: {"frequency": Frequency.NEVER},
        Mailing.ALERTS: {"mailed_topics": []},
    }
    set_preferences(user=user, values=values[mailing], actor=actor)
