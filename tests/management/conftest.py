import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests import migrated
from tests.conftest import unused_port
from tests.management.product import Product, running


@contextmanager
def database_of_its_own(*, is_migrated: bool = False) -> Iterator[dict[str, str]]:
    """Give the environment of a product with a database of its own, of the run's
    engine; migrated before only where there is one to copy."""
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        yield {}  # a file in DATA_DIR
        return
    server = os.environ["DATABASE_URL"]
    name = f"serve_{uuid4().hex}"
    template = (is_migrated and os.environ.get("MIGRATED_DATABASE")) or "template1"
    execute(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    try:
        yield {"DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl()}
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def own_database() -> Iterator[dict[str, str]]:
    with database_of_its_own(is_migrated=True) as environment:
        yield environment


@pytest.fixture(scope="module")
def shared_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One with the demo company, for the whole module; a test leaves it running."""
    data_dir = tmp_path_factory.mktemp("shared")
    with (
        database_of_its_own() as environment,
        running(port=unused_port(), data_dir=data_dir, **environment) as product,
    ):
        yield product


@pytest.fixture
def product(
    own_database: dict[str, str],
    free_port: int,
    tmp_path: Path,
    migrated_template: Path | None,
) -> Iterator[Product]:
    """One that the test may stop, migrated before where that saves the time."""
    if migrated_template is not None and migrated_template.exists():
        migrated.copy(migrated_template, tmp_path / "tracker.sqlite3")
    with running(
        "--no-demo", port=free_port, data_dir=tmp_path, **own_database
    ) as started:
        yield started


def execute(server: str, statement: str, *names: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
