import fcntl
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from engagements.models import Engagement, User
from tracker.demo.credentials import LOGINS, SANDBOX_KEY
from tracker.management.serving.addresses import (
    bind_address,
    is_alive,
    is_port_free,
    reachable,
)
from tracker.management.serving.programs import programs
from tracker.management.serving.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Run the whole product on this machine: prepares the database, then keeps "
        "web server, worker and scheduler running until Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=os.environ.get("PORT", "8000"),
            help="where to listen; also $PORT; 8000 unless given",
        )
        parser.add_argument(
            "--host",
            default=os.environ.get("HOST", "127.0.0.1"),
            help="the address to listen on; also $HOST; this machine only unless given",
        )
        parser.add_argument(
            "--no-demo",
            action="store_true",
            help="leave an empty database empty: don't load the demo company",
        )

    def handle(self, *, host: str, port: int, no_demo: bool, **_: Any) -> None:
        self.host, self.port = host, port
        self.started = time.monotonic()
        self.is_announced = False
        with only_one_here(settings.DATA_DIR / "serve.lock"):
            refuse_busy_port(host, port)
            try:
                # Production gets no accounts whose passwords stand in the source.
                self.prepare(wants_demo=not no_demo and not settings.IS_PRODUCTION)
            except KeyboardInterrupt:
                raise CommandError("Stopped before it was ready.") from None
            # The children open their own; a shared socket would mix them up.
            connections.close_all()
            self.supervise()

    def prepare(self, *, wants_demo: bool) -> None:
        self.say("Preparing the database and the static files …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        if wants_demo and not Engagement.objects.exists():
            self.say("Loading the demo company …")
            # Its own output is the logins, which are shown when they can be used.
            call_command("load_demo", stdout=StringIO())
        self.has_demo = has_demo_logins()

    def supervise(self) -> None:
        self.say("Starting web server, worker and scheduler …")
        Supervisor(
            programs(
                host=self.host,
                port=self.port,
                log_folder=fresh_log_folder(settings.DATA_DIR / "logs"),
                worker_shutdown_seconds=settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT,
            ),
            say=self.say,
            on_tick=self.announce_once,
        ).run()
        self.say("Stopped.")

    def announce_once(self) -> None:
        if self.is_announced or not is_alive(
            self.host, self.port, served_name=served_name()
        ):
            return
        self.is_announced = True
        seconds = time.monotonic() - self.started
        address = bind_address(reachable(self.host), self.port)
        self.say(f"\nReady after {seconds:.1f} s: http://{address}/")
        self.say(demo_card() if self.has_demo else FIRST_ACCOUNT)
        self.say(f"Data and logs: {settings.DATA_DIR}. Ctrl-C stops.")

    def say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


FIRST_ACCOUNT = "Make the first account with: manage.py createsuperuser"


def refuse_busy_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise CommandError(f"Port {port} does not exist: choose one from 1 to 65535.")
    try:
        is_free = is_port_free(host, port)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {bind_address(host, port)}: {error.strerror}."
        ) from None
    if not is_free:
        raise CommandError(
            f"Port {port} is in use by another program: stop that one, or choose "
            f"another port with PORT={port + 1}."
        )


@contextmanager
def only_one_here(lock_path: Path) -> Iterator[None]:
    """Refuse a second supervisor over the same data: there would be two schedulers."""
    with lock_path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"The product already runs with its data in {lock_path.parent}: stop "
                "that one, or choose another folder with DATA_DIR."
            ) from None
        yield


def fresh_log_folder(folder: Path) -> Path:
    """Return the folder, with the last run's logs set aside as *.log.1."""
    folder.mkdir(exist_ok=True)
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
    return folder


def served_name() -> str:
    """Return a host name that ALLOWED_HOSTS accepts."""
    name: str = settings.ALLOWED_HOSTS[0]
    return "localhost" if name == "*" else name.removeprefix(".")


def has_demo_logins() -> bool:
    usernames = [username for username, _, _ in LOGINS]
    return User.objects.filter(username__in=usernames, is_active=True).exists()


def demo_card() -> str:
    rows = [("login", "password", "role"), *LOGINS]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["", "The demo company:"]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  " + "   ".join(cells).rstrip())
    return "\n".join([*lines, f"  sandbox API key: {SANDBOX_KEY}", ""])
