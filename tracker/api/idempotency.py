"""One effect for one `Idempotency-Key`, however often the request is sent.

The key is taken and the answer kept in the transaction that does the work: a process
that dies leaves neither, and who sends the same meanwhile waits for the first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.errors import HeaderRefused, Unprocessable
from tracker.api.models import IdempotencyKey
from tracker.api.permissions import caller_name

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
# What HTTP lets a header hold, without blanks that proxies may trim.
PATTERN = r"^[\x21-\x7e]{1,255}$"

# Where a response says what is to be kept of it.
_INSTEAD = "kept_for_replay"

# Where a request says that its key came with another one.
_REUSES = "reuses_a_key"

Handler = Callable[..., Response]


def once(handler: Handler) -> Handler:
    """Return a handler that does its work once for each key of a caller.

    Raises 400 where the key is malformed, 422 where it came with another request, if
    that fits the schema: what doesn't is 400 as without a key. Refusals are not kept:
    the same key may be sent again once what was wrong is mended.
    """

    def answer(request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(request, *args, **kwargs)
        if not re.match(PATTERN, key):
            raise HeaderRefused({HEADER: ["Give 1 to 255 printable characters."]})
        with transaction.atomic():
            taken, is_new = _take(key, request)
            if not is_new and taken.fingerprint == _fingerprint(request):
                return _replay(taken)
            setattr(request, _REUSES, not is_new)
            response = handler(request, *args, **kwargs)
            refuse_reused_key(request)
            _keep(taken, response)
            return response

    return answer


def forget_keys() -> int:
    """Delete the keys that are no longer kept; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=_oldest()).delete()
    return deleted


def _oldest() -> Any:
    return timezone.now() - KEPT


def _take(key: str, request: Request) -> tuple[IdempotencyKey, bool]:
    named = {"caller": caller_name(request), "key": key}
    IdempotencyKey.objects.filter(**named, created_at__lt=_oldest()).delete()
    return IdempotencyKey.objects.get_or_create(
        **named, defaults={"fingerprint": _fingerprint(request)}
    )


def _fingerprint(request: Request) -> str:
    # The raw bytes: two bodies that only mean the same are not the same request.
    body: bytes = request._request.body
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(asked + body).hexdigest()


def keep_instead(response: Response, data: bytes) -> Response:
    """Have the data kept and replayed in place of an answer that holds a secret."""
    setattr(response, _INSTEAD, data)
    return response


def _keep(taken: IdempotencyKey, response: Response) -> None:
    taken.status = response.status_code
    taken.body = bytes(getattr(response, _INSTEAD, response.data) or b"")
    taken.location = response.get("Location", "")
    taken.etag = response.get("ETag", "")
    taken.save(update_fields=["status", "body", "location", "etag"])


def refuse_reused_key(request: Request) -> None:
    """Raise 422 where the request's key came with another request.

    To be called as soon as a request is known to fit the schema. One that is only found
    out after its work is refused as well, and undone.
    """
    if getattr(request, _REUSES, False):
        raise Unprocessable(
            "This Idempotency-Key came with another request: use a new one.",
            "idempotency_key_reused",
        )


def _replay(kept: IdempotencyKey) -> Response:
    headers = {"ETag": kept.etag, "Location": kept.location}
    told = {name: value for name, value in headers.items() if value}
    return Response(
        bytes(kept.body), status=kept.status, headers={**told, REPLAYED: "true"}
    )
