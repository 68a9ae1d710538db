import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from psycopg import sql


@pytest.fixture
def own_database() -> Iterator[dict[str, str]]:
    """The environment of a product whose database is nobody else's: one of the run's
    engine, empty."""
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        yield {}  # a file in DATA_DIR
        return
    server = os.environ["DATABASE_URL"]
    name = f"serve_{uuid4().hex}"
    execute(server, "CREATE DATABASE {}", name)
    try:
        yield {"DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl()}
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def execute(server: str, statement: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
