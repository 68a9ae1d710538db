"""What schemathesis itself calls; it runs in a process of its own, without Django."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

# tracker.api.idempotency.PATTERN, as far as there is room for more.
KEY = re.compile(r"[\x21-\x7e]{1,200}")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let no request bear the Idempotency-Key of another.

    It would be refused for that alone (422), whatever its body is.
    """
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = f"{key}-{uuid4()}"
