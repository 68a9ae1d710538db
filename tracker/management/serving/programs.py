"""The three programs of the product, as one machine runs them."""

import sys
from pathlib import Path

from tracker.management.serving.addresses import bind_address
from tracker.management.serving.children import Program

GRACE_SECONDS = 15.0


def programs(
    *, host: str, port: int, log_folder: Path, worker_shutdown_seconds: float
) -> list[Program]:
    python = sys.executable
    return [
        Program(
            name="web server",
            command=(
                *(python, "-m", "gunicorn", "--config", "python:config.gunicorn"),
                *("--bind", bind_address(host, port), "config.wsgi"),
            ),
            log_path=log_folder / "web.log",
            stop_seconds=10 + GRACE_SECONDS,
        ),
        Program(
            name="worker",
            command=(
                *(python, "-m", "celery", "--app", "config", "worker"),
                *("--pool", "prefork", "--concurrency", "2"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                *("--hostname", "worker@%h"),
            ),
            log_path=log_folder / "worker.log",
            # Longer than the worker gives its tasks to end: a worker killed
            # before would drop the messages of those that did not.
            stop_seconds=worker_shutdown_seconds + GRACE_SECONDS,
            environment={"REMAP_SIGTERM": "SIGQUIT"},
        ),
        # Beat is never run inside the worker (worker -B): it would outlive a
        # killed worker, and then there would be two.
        Program(
            name="scheduler",
            command=(
                *(python, "-m", "celery", "--app", "config", "beat"),
                *("--pidfile", ""),
            ),
            log_path=log_folder / "scheduler.log",
            stop_seconds=GRACE_SECONDS,
        ),
    ]
