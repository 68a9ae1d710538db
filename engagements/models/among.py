"""A condition on many keys, told to the database as one value."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup
from django.db.models.sql.compiler import SQLCompiler


class Among(Lookup):
    """Keeps rows whose whole-number column is one of the keys.

    `__in` makes a parameter of each key, which a page of them pays for; this makes one
    of all: an array on PostgreSQL, a JSON table on SQLite.
    """

    lookup_name = "among"
    prepare_rhs = False

    def __init__(self, column: str, keys: Iterable[int]) -> None:
        super().__init__(F(column), list(keys))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*parameters, self.rhs]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        among = " ".join([column, "IN (SELECT value FROM json_each(%s))"])
        return among, [*parameters, json.dumps(self.rhs)]
