"""Writes of the stream, of endpoints and of what is sent to them."""

from tracker.webhooks.services.delivering import (
    Sent,
    deliver_due,
    disable_failing,
    forget_deliveries,
)
from tracker.webhooks.services.endpoints import (
    ASKS_TO_SEND,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    replay_delivery,
    rotate_secret,
    send_test,
)
from tracker.webhooks.services.publishing import (
    Published,
    keep_for_publishing,
    publish_events,
)

__all__ = [
    "ASKS_TO_SEND",
    "Published",
    "Sent",
    "change_endpoint",
    "create_endpoint",
    "delete_endpoint",
    "deliver_due",
    "disable_endpoint",
    "disable_failing",
    "enable_endpoint",
    "forget_deliveries",
    "keep_for_publishing",
    "publish_events",
    "replay_delivery",
    "rotate_secret",
    "send_test",
]
