"""Secrets and signatures, after the Standard Webhooks specification.

No secret is stored. Each is derived from a random seed, which the database has, and the
product's SECRET_KEY, which it hasn't (docs/adr/0080).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.conf import settings
from standardwebhooks.webhooks import Webhook

SEED_LENGTH = 32
_PREFIX = "whsec_"
_PURPOSE = b"webhook secret\0"


def draw_seed() -> str:
    return secrets.token_hex(SEED_LENGTH // 2)


def secret_of(seed: str) -> str:
    """Return the secret that a receiver verifies with."""
    return _derived(seed, settings.SECRET_KEY)


def secrets_of(seeds: Iterable[str]) -> list[str]:
    """Return what to sign with: every seed's secret, the present one first.

    While a former SECRET_KEY is still accepted, so are the secrets it gave.
    """
    keys: Sequence[str] = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_derived(seed, key) for seed in seeds for key in keys]


def headers_for(
    *, message_id: str, body: str, signed_with: Iterable[str], at: datetime
) -> dict[str, str]:
    """Return the headers that name, date and sign a message; a signature by secret."""
    moment = at.astimezone(UTC)
    signatures = [
        Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body)
        for secret in signed_with
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _derived(seed: str, key: str) -> str:
    digest = hmac.new(key.encode(), _PURPOSE + seed.encode(), hashlib.sha256).digest()
    return _PREFIX + base64.b64encode(digest).decode()
