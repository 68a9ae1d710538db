from typing import Any

from engagements.models import User
from tracker.webhooks.models import WebhookEndpoint
from tracker.webhooks.public_types import PUBLIC_TYPES
from tracker.webhooks.services import create_endpoint

EVERYTHING = list(PUBLIC_TYPES)


def make_endpoint(
    owner: User, url: str = "https://receiver.example/hook", **fields: Any
) -> WebhookEndpoint:
    values = {"name": "Receiver", "event_types": EVERYTHING} | fields
    endpoint, _secret = create_endpoint(
        endpoint=WebhookEndpoint(owner=owner, url=url, **values), actor=owner
    )
    return endpoint
