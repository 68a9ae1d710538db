"""The whole suite on SQLite and on PostgreSQL, and an account of what was exercised.

    python -m tests.run [--only sqlite|postgresql] [arguments of pytest]

PostgreSQL is the server that DATABASE_URL names, or else one of the tests' own.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests import needs
from tests.account import Account
from tests.postgresql import embedded_postgresql

WORKERS = os.environ.get("TEST_WORKERS", "3")


@dataclass(frozen=True)
class Database:
    label: str
    url: str  # "" when settings need none
    migrated: str = ""  # the name of one to copy


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--only", choices=DATABASES)
    chosen, pytest_arguments = parser.parse_known_args()
    # Asked to end, it still stops the server that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    wanted = [chosen.only] if chosen.only else list(DATABASES)
    # What is the same on each database runs with the first.
    runs = [
        run_on(name, [*pytest_arguments, *(["--database-tests-only"] if again else [])])
        for again, name in enumerate(wanted)
    ]
    accounts = [account for account, _ in runs]
    statuses = [status for _, status in runs]
    print("\n".join(summary(accounts, seconds=time.monotonic() - started)))  # noqa: T201 - its purpose
    if needs.is_ci() and any(account.left_out for account in accounts):
        return 1
    return next((status for status in statuses if status), 0)


def run_on(name: str, pytest_arguments: list[str]) -> tuple[Account, int]:
    """Run pytest in a process of its own: Django takes one database per process."""
    with DATABASES[name]() as database, tempfile.TemporaryDirectory() as folder:
        print(f"\n{database.label}", flush=True)  # noqa: T201
        path = Path(folder) / "account.json"
        started = time.monotonic()
        command = [
            *(sys.executable, "-m", "pytest", "-p", "tests.account"),
            *("--account", str(path), "--numprocesses", WORKERS),
            # In the order of conftest.py: what takes long begins first.
            *("--dist", "loadfile", "--no-loadscope-reorder", *pytest_arguments),
        ]
        environment = {
            **os.environ,
            "DATABASE_URL": database.url,
            "MIGRATED_DATABASE": database.migrated,
        }
        if not database.url:
            del environment["DATABASE_URL"]
        status = subprocess.run(command, env=environment, check=False).returncode
        account = Account.read(path)
        account.database = database.label
        account.seconds = time.monotonic() - started
    return account, status


@contextmanager
def sqlite() -> Iterator[Database]:
    # Without an address it is a file in DATA_DIR, as in use.
    yield Database(f"SQLite {sqlite3.sqlite_version}", "")


@contextmanager
def postgresql() -> Iterator[Database]:
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield Database(f"PostgreSQL {server_version(given)}, by DATABASE_URL", given)
        return
    with embedded_postgresql() as url:
        label = f"PostgreSQL {server_version(url)}, the tests' own"
        yield Database(label, url, migrated=migrated_once(url))


def migrated_once(url: str) -> str:
    """Migrate a database that each worker then copies."""
    name = "migrated"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        env={
            **os.environ,
            "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        check=True,
    )
    return name


def server_version(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else "of unknown version"


DATABASES = {"sqlite": sqlite, "postgresql": postgresql}


def summary(accounts: list[Account], *, seconds: float) -> list[str]:
    left_out = Counter(reason for account in accounts for reason in account.left_out)
    return [
        "",
        "What was exercised",
        *(f"  {told(account)}" for account in accounts),
        f"  Broker: {exercised(accounts, BROKERS)}",
        f"  Browser: {exercised(accounts, BROWSERS)}",
        "Left out" if left_out else "Left out: nothing",
        *(f"  {count} of the tests: {reason}" for reason, count in left_out.items()),
        closing_line(accounts, seconds=seconds),
    ]


def told(account: Account) -> str:
    parts = [f"{account.passed} passed"]
    if account.failed:
        parts.append(f"{account.failed} failed")
    if account.left_out:
        parts.append(f"{len(account.left_out)} left out")
    if account.not_served:
        parts.append(f"{account.not_served} of others about what we don't serve")
    if account.deselected:
        parts.append(f"{account.deselected} not about it")
    return f"{account.database}: {', '.join(parts)} in {account.seconds:.0f} s"


def redis_version() -> str:
    return needs.version_of("redis-server", "--version").partition(" sha")[0]


def chromium_version() -> str:
    return needs.version_of(str(needs.CHROMIUM), "--version")


# By the marker of the tests that exercise them.
BROKERS = {"folder_broker": lambda: "files in a folder", "redis": redis_version}
BROWSERS = {"browser": chromium_version}


def exercised(accounts: list[Account], names: dict[str, Callable[[], str]]) -> str:
    used = {marker for account in accounts for marker in account.exercised}
    return ", ".join(name() for marker, name in names.items() if marker in used) or (
        "none"
    )


def closing_line(accounts: list[Account], *, seconds: float) -> str:
    """Return the sums over all databases, written as pytest writes its last line."""
    totals = {
        "failed": sum(account.failed for account in accounts),
        "passed": sum(account.passed for account in accounts),
        "skipped": sum(len(account.left_out) for account in accounts),
    }
    told_counts = [
        f"{count} {word}" for word, count in totals.items() if count or word == "passed"
    ]
    return f" {', '.join(told_counts)} in {seconds:.2f}s ".center(80, "=")


if __name__ == "__main__":
    sys.exit(main())
