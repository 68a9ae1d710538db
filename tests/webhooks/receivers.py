"""Real receivers on this machine, well behaved and otherwise."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Got:
    headers: dict[str, str]
    body: str
    path: str
    client: tuple[str, int]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    url: str
    got: list[Got] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # A handler that never ends must not keep a test from ending.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders hang up on those that are slow; that is no news."""


@contextmanager
def receiving(answering: Answering) -> Iterator[Receiver]:
    """Run a receiver that keeps what it gets, and then answers in its own way."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(headers, body, self.path, self.client_address))
            answering(self)

        def log_message(self, *args: Any) -> None:
            """Tests say what they found themselves."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answers(status: int, body: str = "", **headers: str) -> Answering:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def never_answers(stopped: threading.Event) -> Answering:
    return lambda handler: void(stopped.wait(30))


def drips(stopped: threading.Event) -> Answering:
    """Send a byte again and again, so that no single read ever waits for long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not stopped.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return answer


def floods(megabytes: int, sent: list[int]) -> Answering:
    """Answer 200 with a body of many megabytes, and note how much was taken."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        handler.send_response(200)
        handler.send_header("Content-Length", str(megabytes * 1024 * 1024))
        handler.end_headers()
        for _ in range(megabytes * 16):
            handler.wfile.write(b"x" * 65536)
            sent.append(65536)

    return answer


def void(value: object) -> None:
    return None
