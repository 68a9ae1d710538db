"""Celery messages as files, for one machine with no broker installed.

A message that a worker took stays on disk until the worker acknowledges it. What a
killed worker had taken goes back to the others with the next worker that starts.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.asynchronous import Hub
from kombu.connection import Connection
from kombu.transport import filesystem, virtual

POLL_SECONDS = 0.2
_LOCK = ".lock"


class Hold:
    """The folder of the messages that one consumer has taken.

    A lock that ends with the process tells others whether it still lives. Forked
    children don't inherit it.
    """

    # A second look at a lock of our own would give that lock up.
    _ours: set[str] = set()

    def __init__(self, folder: Path) -> None:
        self.path = folder / uuid4().hex
        self._ours.add(self.path.name)
        # Under its name it is never seen without its lock.
        draft = folder / f".{self.path.name}"
        draft.mkdir(parents=True)
        self._lock = (draft / _LOCK).open("w")
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        draft.replace(self.path)

    def give_up(self) -> None:
        """Let the next consumer have what was not acknowledged."""
        self._lock.close()
        self._ours.discard(self.path.name)

    @classmethod
    def bring_back(cls, folder: Path, *, to: Path) -> None:
        """Move the messages of consumers that are gone back to those that wait."""
        for path in folder.glob("[!.]*"):
            if path.name in cls._ours:
                continue
            # Held still, or brought back by another that starts just now.
            with suppress(BlockingIOError, FileNotFoundError):
                cls._empty(path, to)

    @staticmethod
    def _empty(path: Path, to: Path) -> None:
        with (path / _LOCK).open("r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for message in path.glob("*.msg"):
                message.replace(to / message.name)
            (path / _LOCK).unlink()
            path.rmdir()


class QoS(virtual.QoS):
    channel: "Channel"

    def ack(self, delivery_tag: str) -> None:
        self.channel.forget(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().reject(delivery_tag, requeue=requeue)
        self.channel.forget(delivery_tag)


class Channel(filesystem.Channel):
    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hold: Hold | None = None
        self._taken: dict[str, Path] = {}

    # Kombu's two parents name the second argument differently.
    def _put(  # type: ignore[override]
        self, queue: str, payload: dict[str, Any], **_: Any
    ) -> None:
        # Kombu opens the file under its final name and then writes: a worker that
        # looks in between takes an empty message. A rename shows it whole or not
        # at all. The wall clock, unlike kombu's, keeps the order over a restart.
        name = f"{time.time_ns()}_{uuid4().hex}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f"{name}.draft"
        draft.write_text(json.dumps(payload), encoding="utf-8")
        os.replace(draft, folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        # Kombu deletes the file at once: with its process, the message would be gone.
        hold = self._held()
        for path in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            taken = hold.path / path.name
            try:
                path.rename(taken)
            except FileNotFoundError:  # another worker was quicker
                continue
            payload: dict[str, Any] = json.loads(taken.read_text(encoding="utf-8"))
            self._taken[payload["properties"]["delivery_tag"]] = taken
            return payload
        raise Empty

    def _held(self) -> Hold:
        if self._hold is None:
            waiting = Path(self.data_folder_in)
            folder = waiting.with_name("taken")
            self._hold = Hold(folder)
            Hold.bring_back(folder, to=waiting)
        return self._hold

    def _restore(self, message: virtual.Message) -> None:
        super()._restore(message)
        self.forget(str(message.delivery_tag))

    def forget(self, delivery_tag: str) -> None:
        """Delete what is kept of a message that is done with."""
        if taken := self._taken.pop(delivery_tag, None):
            taken.unlink(missing_ok=True)

    def close(self) -> None:
        super().close()
        if self._hold is not None:
            self._hold.give_up()
            self._hold = None


class Transport(filesystem.Transport):
    Channel = Channel
    # Without an event loop Celery gives all processes of its pool one queue under one
    # lock: a process killed while it holds the lock would stop the others for good.
    implements = filesystem.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, connection: Connection, loop: Hub) -> None:
        loop.call_repeatedly(POLL_SECONDS, self.deliver_waiting)

    def deliver_waiting(self) -> None:
        """Hand over the messages that wait, as far as consumers take more."""
        cycle = self.cycle
        with suppress(Empty):
            while cycle is not None:
                cycle.get(self._deliver)
