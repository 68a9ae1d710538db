"""A migrated SQLite file kept between runs, so that most start without migrating."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import django
from django.conf import settings


def template(cache: Path) -> Path:
    """Return where the file of today's migrations is kept, made or not."""
    digest = hashlib.sha256(django.__version__.encode())
    for folder in ("engagements", "tracker"):
        migrations = settings.BASE_DIR / folder / "migrations"
        for path in sorted(migrations.glob("*.py")):
            digest.update(path.read_bytes())
        # What migrations call stands outside their folder.
        for path in sorted((settings.BASE_DIR / folder).rglob("*guard*.py")):
            digest.update(path.read_bytes())
    digest.update((settings.BASE_DIR / "requirements.txt").read_bytes())
    return cache / f"{digest.hexdigest()[:32]}.sqlite3"


def copy(source: Path, target: Path) -> None:
    """Copy a database whole, its write-ahead log included."""
    with (
        closing(sqlite3.connect(source)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
