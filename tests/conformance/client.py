"""A client that openapi-python-client generates walks all lists and upserts."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any, get_type_hints

from config.env import BASE_DIR
from tests.conformance.feed import Caller, Feed, Row, Schema, published_schema
from tests.conformance.registry import Live, Verdict, Verdicts, conformance
from tracker.api.scopes import SCOPES

GENERATOR = Path(sys.executable).with_name("openapi-python-client")
EXAMPLE = BASE_DIR / "docs" / "examples" / "python-client"
PACKAGE = "tracker_client"
PAGE = 50
SECONDS = 300


@conformance("client")
def client(live: Live, is_full: bool) -> Verdicts:
    key = live.key(*SCOPES)
    schema = published_schema(live.address)
    with generated(schema) as (folder, complaints):
        if complaints:
            yield Verdict("openapi-python-client", 0, complaints)
            return
        feed = Feed(Caller(live.address, key), schema, mark="C-client")
        client_made = Generated(live.address, key)
        with client_made.client:
            yield walk_and_upsert(feed, schema, client_made)
        yield run_example(live, key, folder)


@contextmanager
def generated(schema: Schema) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folder where the client can be imported, and the generator's words."""
    with tempfile.TemporaryDirectory(prefix="client-") as name:
        folder = Path(name)
        (folder / "openapi.json").write_text(json.dumps(schema))
        done = subprocess.run(
            [
                *(GENERATOR, "generate", "--fail-on-warning", "--meta", "none"),
                *(
                    "--path",
                    folder / "openapi.json",
                    "--config",
                    EXAMPLE / "client.yml",
                ),
                *("--output-path", folder / PACKAGE),
            ],
            # It formats what it writes by ruff, where it finds that.
            env=os.environ | {"PATH": f"{GENERATOR.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        sys.path.insert(0, name)
        invalidate_caches()
        try:
            yield folder, [done.stdout + done.stderr] if done.returncode else []
        finally:
            sys.path.remove(name)
            for module in [each for each in sys.modules if is_generated(each)]:
                del sys.modules[module]


def is_generated(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


class Generated:
    """The generated client, its functions found by the schema's operation ids."""

    def __init__(self, address: str, key: str) -> None:
        made: Any = import_module(PACKAGE).AuthenticatedClient
        self.client = made(base_url=address, token=key, raise_on_unexpected_status=True)
        self._problem: type = import_module(f"{PACKAGE}.models").Problem

    def call(self, operation: Schema, *path: str, **given: Any) -> Any:
        """Return the parsed answer; raises ValueError where it is a problem."""
        function = self._function(operation)
        answer = function(*path, client=self.client, **given)
        if answer is None or isinstance(answer, self._problem):
            raise ValueError(f"{operation['operationId']}{path}: {answer}")
        return answer

    def body(self, operation: Schema, body: Row) -> Any:
        """Return the body as the model that the function takes."""
        function = self._function(operation)
        return get_type_hints(function)["body"].from_dict(body)

    def rows(self, operation: Schema, *path: str) -> Iterator[Any]:
        is_paged = "cursor" in inspect.signature(self._function(operation)).parameters
        size = {"page_size": PAGE} if is_paged else {}
        page = self.call(operation, *path, **size)
        yield from page.results
        # The stream of events has no end: there, an empty page says so.
        while is_paged and page.results and (cursor := next_cursor(page)):
            page = self.call(operation, *path, cursor=cursor, **size)
            yield from page.results

    def _function(self, operation: Schema) -> Any:
        (tag,) = operation["tags"]
        name = f"{PACKAGE}.api.{tag.replace('-', '_')}.{operation['operationId']}"
        return import_module(name).sync


def next_cursor(page: Any) -> str | None:
    """Return where the next page is, under the API's name or under Merge's."""
    told: Row = page.to_dict()
    cursor: str | None = told["next_cursor" if "next_cursor" in told else "next"]
    return cursor


def walk_and_upsert(feed: Feed, schema: Schema, client: Generated) -> Verdict:
    failures: list[str] = []
    tried = 0
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if problem := attempt(client, feed, method, path, operation):
                failures.append(problem)
            tried += is_tried(method, operation)
    return Verdict("openapi-python-client", tried, failures)


def is_tried(method: str, operation: Schema) -> bool:
    name = operation["operationId"]
    return method == "put" or (method == "get" and name.startswith("list_"))


def attempt(
    client: Generated, feed: Feed, method: str, path: str, operation: Schema
) -> str:
    """Walk the list, or upsert twice; return what was wrong with it."""
    if not is_tried(method, operation):
        return ""
    working = feed.working(method, path)
    address = list(working.path.values())
    try:
        if method == "get":
            return repeated(list(client.rows(operation, *address)), path)
        body = client.body(operation, working.body)
        first, second = (
            client.call(operation, *address, body=body).to_dict() for _ in range(2)
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"{operation['operationId']}: {error!r}"
    return "" if first == second else f"{path}: upserted again, it is another"


def repeated(rows: list[Any], path: str) -> str:
    ids = [row.id for row in rows if hasattr(row, "id")]
    return "" if len(set(ids)) == len(ids) else f"{path}: a row came twice"


def run_example(live: Live, key: str, folder: Path) -> Verdict:
    """Run the program of the documentation as its reader would, twice."""
    told = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, EXAMPLE / "people_of_a_vendor.py"],
            env=os.environ
            | {
                "TRACKER_URL": live.address,
                "TRACKER_KEY": key,
                "PYTHONPATH": str(folder),
                "PYTHONUTF8": "1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            return Verdict("example in docs", 1, [done.stderr])
        told.append(done.stdout)
    is_same = told[0] == told[1] and "example-1\tAda Byron" in told[0]
    return Verdict("example in docs", 2, [] if is_same else told)
