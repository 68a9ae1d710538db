"""Writes of notices: reminders that go out, and the address of a calendar."""

from tracker.notify.services.feeds import renew_feed, turn_off_feed
from tracker.notify.services.reminders import send_reminders

__all__ = ["renew_feed", "send_reminders", "turn_off_feed"]
