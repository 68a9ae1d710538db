"""A cache that all processes of one machine share: a SQLite file in DATA_DIR.

What is counted in it, such as the requests of a minute, is counted once for all
workers, in one statement each time. It holds nothing that has to last: a file that
can't be written makes the cache forget, and never fails a request.
"""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

# Longer than any of its writes takes, shorter than a person waits.
BUSY_SECONDS = 1.0
_PREPARE = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value, expires REAL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_end ON entries (expires);
"""
_GET = """
SELECT value FROM entries WHERE key = :key AND (expires IS NULL OR expires > :now)
"""
_ADD = """
INSERT INTO entries VALUES (:key, :value, :expires)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires
    WHERE expires <= :now
"""
_SET = "INSERT OR REPLACE INTO entries VALUES (:key, :value, :expires)"
_TOUCH = """
UPDATE entries SET expires = :expires
WHERE key = :key AND (expires IS NULL OR expires > :now)
"""
_COUNT = """
UPDATE entries SET value = value + :delta
WHERE key = :key AND (expires IS NULL OR expires > :now)
    AND typeof(value) = 'integer'
"""
_DELETE = """
DELETE FROM entries WHERE key = :key AND (expires IS NULL OR expires > :now)
"""
_CLEAR = "DELETE FROM entries"
_FORGET = "DELETE FROM entries WHERE expires <= :now"

log = logging.getLogger(__name__)
_opened = threading.local()


class SharedCache(BaseCache):
    """Django's cache over the file at `location`; counting and adding are atomic."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._location = location

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with self._forgiving():
            found = (
                self._connection().execute(_GET, self._named(key, version)).fetchone()
            )
            return default if found is None else _read(found[0])
        return default

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        facts = self._facts(key, version, value, timeout)
        return self._changes(_FORGET, facts, then=_ADD)

    def set(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        facts = self._facts(key, version, value, timeout)
        self._changes(_FORGET, facts, then=_SET)

    def touch(
        self,
        key: str,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return self._changes(_TOUCH, self._facts(key, version, None, timeout))

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._changes(_DELETE, self._named(key, version))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        facts = {**self._named(key, version), "delta": delta}
        with self._forgiving(), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute(_COUNT, facts).rowcount:
                return int(connection.execute(_GET, facts).fetchone()[0])
        raise ValueError(f"Key '{key}' not found")

    def clear(self) -> None:
        self._changes(_CLEAR, {})

    def _named(self, key: str, version: int | None) -> dict[str, Any]:
        named = self.make_and_validate_key(key, version=version)
        return {"key": named, "now": time.time()}

    def _facts(
        self, key: str, version: int | None, value: Any, timeout: float | None
    ) -> dict[str, Any]:
        expires = self.get_backend_timeout(timeout)
        named = self._named(key, version)
        return {**named, "value": _written(value), "expires": expires}

    def _changes(
        self, statement: str, facts: dict[str, Any], *, then: str = ""
    ) -> bool:
        """Tell whether the last of the statements changed a row."""
        with self._forgiving():
            done = self._connection().execute(statement, facts)
            if then:
                done = self._connection().execute(then, facts)
            return done.rowcount > 0
        return False

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Leave out what fails within, and say so in the log."""
        try:
            yield
        except sqlite3.Error as error:
            log.warning("the shared cache at %s failed: %s", self._location, error)

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's own; one that a fork brought along is left alone."""
        known: dict[tuple[int, str], sqlite3.Connection]
        known = _opened.__dict__.setdefault("connections", {})
        whose = (os.getpid(), self._location)
        if whose not in known:
            connection = sqlite3.connect(
                self._location, timeout=BUSY_SECONDS, isolation_level=None
            )
            connection.executescript(_PREPARE)
            known[whose] = connection
        return known[whose]


def _written(value: Any) -> int | bytes:
    # As they are, so that the database can count.
    return value if type(value) is int else pickle.dumps(value)


def _read(stored: int | bytes) -> Any:
    # Only this product writes the file, which stands beside its database.
    return stored if isinstance(stored, int) else pickle.loads(stored)  # noqa: S301
