"""One line to one receiver: posts, one after the other, over a connection kept open.

Whatever a receiver does, a post ends within `ANSWER_SECONDS`, takes a few kilobytes of
memory, and goes to the address that was checked. No redirect is followed, no proxy is
asked, and nothing here reads the database, so that lines run in threads.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse

from tracker.webhooks.addresses import (
    Address,
    AddressRefusedError,
    read_address,
    resolve,
)

ANSWER_SECONDS = 15.0
CONNECT_SECONDS = 5.0
ANSWER_BYTES = 16 * 1024
# So much of an answer is kept for people to read.
KEPT_CHARACTERS = 2_000
USER_AGENT = "Engagement-Tracker/1"


@dataclass(frozen=True)
class Answer:
    """What came of one post: a status, or why there is none.

    `is_down` where the receiver as a whole seems unable to answer.
    """

    status: int | None = None
    text: str = ""
    error: str = ""
    retry_after: str | None = None
    seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_down(self) -> bool:
        return self.status is None or self.status == 429 or self.status >= 500


class Line:
    """Not for two threads at once, but for `cut_if_late`, which another one calls."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answer_seconds = ANSWER_SECONDS
        self._address: Address | None = None
        self._connection: HTTPConnection | None = None
        self._late_at: float | None = None
        self._is_cut = False

    def post(self, body: str, headers: Mapping[str, str]) -> Answer:
        started = time.monotonic()
        self._is_cut = False
        self._late_at = started + self._answer_seconds
        try:
            answer = self._exchange(body.encode(), headers)
            if self._is_cut:
                # Headers that break off read like headers that end.
                raise TimeoutError
        except AddressRefusedError as refusal:
            answer = Answer(error=str(refusal))
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            answer = Answer(error=self._why(error))
        finally:
            self._late_at = None
        return Answer(
            status=answer.status,
            text=answer.text,
            error=answer.error,
            retry_after=answer.retry_after,
            seconds=time.monotonic() - started,
        )

    def cut_if_late(self) -> None:
        """Hang up on a receiver that takes too long, though it may send a little.

        The time limit of a socket begins anew with every byte.
        """
        late_at, connection = self._late_at, self._connection
        if late_at is None or time.monotonic() < late_at or connection is None:
            return
        self._is_cut = True
        hang_up(connection)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._address is None:
            self._address = read_address(self._url)
        address = self._address
        is_kept = self._connection is not None
        try:
            return self._ask(address, body, headers)
        except (ConnectionError, HTTPException):
            # A connection that was kept open may have been closed meanwhile.
            if not is_kept or self._is_cut:
                raise
            self.close()
        return self._ask(address, body, headers)

    def _ask(self, address: Address, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._connection is None:
            self._connection = _connect(address, self._answer_seconds)
        connection = self._connection
        connection.request(
            "POST",
            address.target,
            body,
            {
                "Host": address.host_header,
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "identity",
                **headers,
            },
        )
        response = connection.getresponse()
        text = _read(response)
        if response.will_close or not response.isclosed():
            # What is left unread would be taken for the next answer.
            self.close()
        return Answer(
            status=response.status,
            text=text,
            error=_objection(response.status),
            retry_after=response.headers.get("Retry-After"),
        )

    def _why(self, error: Exception) -> str:
        if self._is_cut or isinstance(error, TimeoutError):
            return f"No whole answer within {self._answer_seconds:g} seconds."
        if isinstance(error, ssl.SSLError):
            return f"TLS failed: {error.reason or error}."
        return f"{type(error).__name__}: {error}"[:300]


class _Checked(HTTPConnection):
    """Connects to a numeric address that was checked, in the name of its host."""

    def __init__(self, address: Address, number: str, seconds: float) -> None:
        super().__init__(address.host, address.port, timeout=seconds)
        self._address = address
        self._number = number

    def connect(self) -> None:
        plain = socket.create_connection(
            (self._number, self._address.port), timeout=CONNECT_SECONDS
        )
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = plain
        if self._address.scheme == "https":
            wrapped = tls().wrap_socket(
                plain,
                server_hostname=self._address.host,
                do_handshake_on_connect=False,
            )
            # Where another thread finds it, to hang up during the handshake too.
            self.sock = wrapped
            wrapped.do_handshake()
        self.sock.settimeout(self.timeout)


def _connect(address: Address, seconds: float) -> HTTPConnection:
    return _Checked(address, resolve(address), seconds)


def hang_up(connection: HTTPConnection) -> None:
    """Let whoever reads from the connection find it ended."""
    try:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself meanwhile.
        return


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Return how receivers are verified; reading the trusted roots takes a while."""
    return ssl.create_default_context()


def _read(response: HTTPResponse) -> str:
    found = response.read(ANSWER_BYTES)
    if not response.isclosed() and not response.will_close:
        # At the very end of a body of just this size one more read closes it.
        found += response.read(1)
    text = found.decode("utf-8", errors="replace")[:KEPT_CHARACTERS]
    return "".join(each for each in text if each.isprintable() or each in "\n\t")


def _objection(status: int) -> str:
    if 300 <= status < 400:
        return "It redirects, which is not followed: give the final address."
    if 200 <= status < 300:
        return ""
    return f"It answered {status}."
