"""NetBox beside us: measured in turn where one runs, else by what it took when idle.

`NETBOX_URL` and `NETBOX_TOKEN` name one with circuits, as many as there are
engagements here, served by one worker of two threads as we are.
"""

import http.client
import json
import os
import time
from itertools import count
from typing import Any
from urllib.parse import urlsplit

CIRCUITS = "/api/circuits/circuits/"
PATCHED, A_PATCH = 500, 100


class IdleNetBox:
    """NetBox 4.7 alone on another machine: on this one, it says little."""

    name = "NetBox's, idle elsewhere"

    def page(self, size: int) -> float:
        """Return the seconds that a page of so many takes."""
        return {100: 0.0825, 1000: 0.640}[size]

    def walked(self) -> float:
        """Return rows a second of a walk over all changes."""
        return 1221

    def patched(self) -> float:
        """Return rows a second of its bulk PATCH."""
        return 140


class RunningNetBox(IdleNetBox):
    name = "NetBox's, in turn"

    def __init__(self, address: str, token: str) -> None:
        place = urlsplit(address)
        self._server = http.client.HTTPConnection(place.netloc, timeout=120)
        self._headers = {
            "Authorization": f"Token {token}",
            "Content-Type": "application/json",
        }
        self._numbers = count()

    def page(self, size: int) -> float:
        started = time.perf_counter()
        found = self._ask("GET", f"{CIRCUITS}?limit={size}")["results"]
        assert len(found) == size
        return time.perf_counter() - started

    def walked(self) -> float:
        started, rows = time.perf_counter(), 0
        address: str | None = (
            f"{CIRCUITS}?limit=200&ordering=last_updated"
            "&last_updated__gte=2000-01-01T00:00:00Z"
        )
        while address:
            page = self._ask("GET", address)
            rows += len(page["results"])
            following = page["next"] and urlsplit(page["next"])
            address = following and f"{following.path}?{following.query}"
        return rows / (time.perf_counter() - started)

    def patched(self) -> float:
        found = self._ask("GET", f"{CIRCUITS}?limit={PATCHED}")["results"]
        started = time.perf_counter()
        for first in range(0, PATCHED, A_PATCH):
            self._ask(
                "PATCH",
                CIRCUITS,
                [
                    {"id": row["id"], "description": f"Changed {next(self._numbers)}"}
                    for row in found[first : first + A_PATCH]
                ],
            )
        return PATCHED / (time.perf_counter() - started)

    def _ask(self, method: str, address: str, body: Any = None) -> Any:
        sent = None if body is None else json.dumps(body)
        self._server.request(method, address, sent, self._headers)
        answer = self._server.getresponse()
        found = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"NetBox: {address}: {answer.status} {found[:300]!r}")
        return json.loads(found)


def netbox() -> IdleNetBox:
    address = os.environ.get("NETBOX_URL", "")
    if not address:
        return IdleNetBox()
    return RunningNetBox(address, os.environ["NETBOX_TOKEN"])
