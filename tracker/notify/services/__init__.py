"""Writes of alerts, reminders and mails, of preferences and of a calendar's address."""

from tracker.notify.services.alert_mails import retry_mail, send_alert_mails
from tracker.notify.services.alerts import (
    mark_read,
    remove_read_alerts,
    tell_events,
)
from tracker.notify.services.coming_dates import tell_coming_dates
from tracker.notify.services.feeds import renew_feed, turn_off_feed
from tracker.notify.services.missing_sheets import tell_missing_sheets
from tracker.notify.services.overdue import tell_overdue_tasks
from tracker.notify.services.preferences import (
    ends_mailing,
    set_preferences,
    unsubscribe,
)
from tracker.notify.services.reminders import send_reminders

__all__ = [
    "ends_mailing",
    "mark_read",
    "remove_read_alerts",
    "renew_feed",
    "retry_mail",
    "send_alert_mails",
    "send_reminders",
    "set_preferences",
    "tell_coming_dates",
    "tell_events",
    "tell_missing_sheets",
    "tell_overdue_tasks",
    "turn_off_feed",
    "unsubscribe",
]
