import os
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import TransactionTestCase
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from engagements.models.guards import lifted
from tests import migrated, needs
from tracker.dashboards.kept import STORE
from tracker.spend.models import LedgerEntry, MonthlySpend
from tracker.spend.services import month_close, verify_ledger

ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql"}
OUTSIDE = {"browser": needs.why_no_browser, "redis": needs.why_no_redis}


# By these a test reaches a database, of the run's engine.
IN_THIS_PROCESS = frozenset({"db", "transactional_db", "live_server"})
OF_THEIR_OWN = {"own_database", "shared_product"}
REACH_A_DATABASE = IN_THIS_PROCESS | OF_THEIR_OWN
OTHER_PROCESSES = ("browser", "redis", "folder_broker")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-tests-only",
        action="store_true",
        help="leave out what is the same on each database: for a second run on another",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Deselect what is meant for the other database: it isn't left out, it's no test
    of this one."""
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    others = [marker for marker, name in ENGINES.items() if name != engine]
    meant = [item for item in items if not any(map(item.get_closest_marker, others))]
    if config.getoption("--database-tests-only"):
        meant = [item for item in meant if differs_by_database(item)]
    if len(meant) < len(items):
        kept = set(meant)
        config.hook.pytest_deselected(items=[i for i in items if i not in kept])
    # Workers that wait for a browser leave the processor to the others, and one that
    # began such a file last would keep them all waiting.
    slow = {item.path for item in meant if waits_for_others(item)}
    items[:] = sorted(meant, key=lambda item: item.path not in slow)


def waits_for_others(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(
        any(map(item.get_closest_marker, OTHER_PROCESSES)) or fixtures & OF_THEIR_OWN
    )


def differs_by_database(item: pytest.Item) -> bool:
    # A browser sees the same pages over both; whole journeys are tried on each.
    if item.get_closest_marker("browser"):
        return item.get_closest_marker("each_database") is not None
    return reaches_a_database(item)


def reaches_a_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & REACH_A_DATABASE)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, why_not in OUTSIDE.items():
        if item.get_closest_marker(marker) and (reason := why_not()):
            needs.leave_out(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """After every test that posted, what is derived equals the ledger, to the cent.

    It is asked while the test's data is still there, so that the test itself fails.
    """
    result = yield
    if stores_here(item) and not item.get_closest_marker("roll_ups_differ"):
        check_roll_ups()
    return result


def stores_here(item: pytest.Item) -> bool:
    """Whether the test reaches a database from its own process."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & IN_THIS_PROCESS)


def check_roll_ups() -> None:
    # After an error that the test caught, a transaction answers no more questions.
    if connection.needs_rollback:
        return
    if LedgerEntry.objects.exists() or MonthlySpend.objects.exists():
        found = verify_ledger()
        wrong = [*found.roll_up_mismatches, *found.total_mismatches]
        assert not wrong, f"The ledger says otherwise: {wrong}"


@pytest.fixture(scope="session", autouse=True)
def flush_lifts_guards() -> Iterator[None]:
    """Let transactional tests empty the append-only tables when they end."""
    # Private, but the one place to hook in: Django flushes here, unasked.
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def empty_unguarded(case: TransactionTestCase) -> None:
        with lifted(connection):
            empty(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_unguarded)
        yield


@pytest.fixture(scope="session")
def migrated_template(pytestconfig: pytest.Config) -> Path | None:
    """Where SQLite's migrated file is kept; None on another database."""
    if connection.vendor != "sqlite" or not hasattr(pytestconfig, "cache"):
        return None
    return migrated.template(pytestconfig.cache.mkdir("migrated"))


@pytest.fixture(scope="session")
def django_db_keepdb(
    migrated_template: Path | None, django_db_modify_db_settings: None
) -> bool:
    """Begin with the file that an earlier run migrated, where there is one."""
    if migrated_template is None or not migrated_template.exists():
        return False
    test_name = connection.settings_dict["TEST"]["NAME"]
    migrated.copy(migrated_template, Path(test_name))
    return True


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,
    django_db_keepdb: bool,
    django_db_blocker: DjangoDbBlocker,
    migrated_template: Path | None,
) -> Iterator[None]:
    """pytest-django's own, and an end to what would keep PostgreSQL from dropping the
    database: a live server's thread whose browser has not hung up."""
    if migrated_template is not None and not django_db_keepdb:
        made = migrated_template.with_suffix(f".{os.getpid()}")
        migrated.copy(Path(connection.settings_dict["NAME"]), made)
        for stale in migrated_template.parent.glob("*.sqlite3"):
            stale.unlink(missing_ok=True)
        made.replace(migrated_template)
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def nothing_kept_of_other_tests() -> None:
    """Forget what pages were kept: each test begins with a database of its own."""
    caches[STORE].clear()


@pytest.fixture
def nothing_hinders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let months be closed whatever is open, for tests of what comes after."""
    monkeypatch.setattr(month_close, "_CHECKS", [])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files that stands beside a clone of the project."""
    if reason := needs.why_no_shared_data():
        needs.leave_out(reason)
    return needs.SHARED_DATA


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def free_port() -> int:
    return unused_port()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own, empty."""
    port = unused_port()
    server = subprocess.Popen(
        [
            *("redis-server", "--port", str(port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(tmp_path)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_redis(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait_for_redis(port: int) -> None:
    with closing(redis.Redis(port=port)) as client:
        for _ in range(100):
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    raise TimeoutError("redis-server did not answer within 5 s")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> Iterator[dict[str, Any]]:
    """How pytest-playwright starts the browser: Debian's Chromium, without a profile.

    Playwright keeps an event loop in the test's thread until the session ends, and
    Django refuses the database to a thread that has one; here it is harmless.
    """
    # A busy machine answers late; what never comes fails all the same.
    expect.set_options(timeout=20_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield {
            "executable_path": str(needs.CHROMIUM),
            "args": [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        }
