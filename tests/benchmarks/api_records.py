"""Records by the API: a list beside the least that could answer it, walks, upserts."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection, connections

from config.env import BASE_DIR
from engagements.choices import Role
from engagements.models import (
    Assignment,
    Contractor,
    CostSplit,
    CostSplitShare,
    Engagement,
    Event,
    Service,
    Vendor,
)
from engagements.services.imported import log_imported
from tests.benchmarks.figures import Figure, seconds_of
from tests.benchmarks.netbox import IdleNetBox, netbox
from tests.factories import make_cost_centre, make_department, make_user, make_vendor
from tracker.api.scopes import SCOPES
from tracker.api.services import create_api_key

BATCH = 1000
EVERYTHING = "updated_since=2000-01-01T00:00:00Z"
PAGES_COMPARED = 15


def run(*, is_full: bool) -> list[Figure]:
    count = 100_000 if is_full else 10_000
    plant(count)
    admin = make_user(Role.ADMINISTRATOR)
    _key, key = create_api_key(
        name="Bench", scopes=list(SCOPES), owner=admin, actor=None
    )
    _key, poor = create_api_key(
        name="Bench", scopes=["engagements:read"], owner=admin, actor=None
    )
    peer = netbox()
    with served("config.wsgi") as port, served("tests.benchmarks.bare") as bare_port:
        client, poorer = Client(port, key), Client(port, poor)
        return [
            *lists(poorer, Client(bare_port, ""), peer),
            *changes(client, count, peer),
            *walk_while_changing(client, count),
            *upserts(client, 20_000 if is_full else 5_000, peer),
        ]


class Client:
    """One caller on one connection that is kept open."""

    def __init__(self, port: int, key: str) -> None:
        self._server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, path: str, body: Any = None) -> dict[str, Any]:
        return json.loads(self.raw(path, body))  # type: ignore[no-any-return] # an object

    def raw(self, path: str, body: Any = None) -> bytes:
        if body is None:
            self._server.request("GET", path, headers=self._headers)
        else:
            headers = self._headers | {"Content-Type": "application/json"}
            self._server.request("POST", path, json.dumps(body), headers)
        answer = self._server.getresponse()
        found = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {found[:500]!r}")
        return found


@contextmanager
def served(application: str) -> Iterator[int]:
    """Serve a WSGI application by one worker, both alike; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", f"{application}:application"),
            *("-c", "python:config.gunicorn"),
            *("-k", "gthread", "-w", "1", "--threads", "2", "--keep-alive", "60"),
            *("-b", f"127.0.0.1:{port}", "--log-level", "error"),
        ],
        cwd=BASE_DIR,
        env=os.environ | {"API_REQUESTS_PER_MINUTE": "1000000", "LOG_LEVEL": "ERROR"},
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _attempt in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")


def lists(client: Client, bare: Client, peer: IdleNetBox) -> list[Figure]:
    """Return how a list of 100 goes beside the bare statement, by HTTP both."""
    path = "/api/v1/engagements?page_size=100"
    ours, theirs = client.ask(path)["results"], bare.ask("/")["results"]
    assert [row["id"] for row in ours] == [row["id"] for row in theirs]
    assert len(ours) == 100
    assert all(row["cost_split"] for row in ours)
    hundred = [
        (
            seconds_of(lambda: client.raw(path)),
            seconds_of(lambda: bare.raw("/")),
            peer.page(100),
        )
        for _ in range(100)
    ]
    thousand = [
        (seconds_of(lambda: a_thousand(client)), peer.page(1000)) for _ in range(15)
    ]
    ours_taken, bare_taken, theirs_100 = medians(hundred)
    ours_1000, theirs_1000 = medians(thousand)
    return [
        Figure(
            "list of 100 engagements, key and scope checked", ours_taken * 1000, "ms"
        ),
        Figure("the same rows by a bare WSGI application", bare_taken * 1000, "ms"),
        Figure("part of the limit", bare_taken / ours_taken, "", goal=0.2),
        Figure(f"list of 100: {peer.name}", theirs_100 * 1000, "ms"),
        Figure("theirs to ours", theirs_100 / ours_taken, "times", goal=10),
        Figure("1,000 engagements, in five pages", ours_1000 * 1000, "ms"),
        Figure(f"list of 1,000: {peer.name}", theirs_1000 * 1000, "ms"),
        Figure("theirs to ours", theirs_1000 / ours_1000, "times", goal=25),
    ]


def medians(rounds: Sequence[tuple[float, ...]]) -> Iterator[float]:
    return (median(each) for each in zip(*rounds, strict=True))


def a_thousand(client: Client) -> None:
    """Read as many in the fewest pages there can be."""
    path, found = "/api/v1/engagements?page_size=200", 0
    suffix = ""
    for _page in range(5):
        page = client.ask(path + suffix)
        found += len(page["results"])
        suffix = f"&cursor={page['next_cursor']}"
    assert found == 1000, found


def changes(client: Client, count: int, peer: IdleNetBox) -> list[Figure]:
    """Return what pages of a walk over changes take, the first ones and the last."""
    taken, found = [], 0
    path = f"/api/v1/engagements?{EVERYTHING}&page_size=200"
    cursor: str | None = ""
    while cursor is not None:
        started = time.perf_counter()
        page = client.ask(path + (f"&cursor={cursor}" if cursor else ""))
        taken.append(time.perf_counter() - started)
        found += len(page["results"])
        cursor = page["next_cursor"]
    assert found == count, found
    walked = peer.walked()
    # The very last page may be short.
    whole = taken[:-1]
    ends = median(whole[-PAGES_COMPARED:]) / median(whole[:PAGES_COMPARED])
    return [
        Figure(
            f"walk over {count:,} changed engagements", count / sum(taken), "rows/s"
        ),
        Figure(f"such a walk: {peer.name}", walked, "rows/s"),
        Figure("ours to theirs", count / sum(taken) / walked, "times", goal=20),
        Figure("last pages to the first", ends, "times", goal=1.2, wanted="at most"),
    ]


def walk_while_changing(client: Client, count: int) -> list[Figure]:
    """Pull all contractors while others change them; each comes once, in order."""
    rows = Contractor.objects.order_by("pk").values_list("pk", "public_id")
    expected = [str(public_id) for _pk, public_id in rows]
    assert len(expected) == count
    stop = threading.Event()
    changed: list[int] = []
    writer = threading.Thread(target=change_some, args=(stop, changed))
    writer.start()
    pulled: list[str] = []
    try:
        started = time.perf_counter()
        cursor: str | None = ""
        while cursor is not None:
            suffix = f"&cursor={cursor}" if cursor else ""
            page = client.ask(f"/api/v1/contractors?page_size=200{suffix}")
            pulled += [row["id"] for row in page["results"]]
            cursor = page["next_cursor"]
        taken = time.perf_counter() - started
    finally:
        stop.set()
        writer.join()
    assert pulled == expected, "a contractor was missed, met twice or out of order"
    assert changed, "nothing was changed meanwhile"
    return [
        Figure(f"{count:,} contractors pulled while changed", count / taken, "rows/s"),
        Figure("changes meanwhile; none missed, none twice", len(changed), "rows"),
    ]


def change_some(stop: threading.Event, changed: list[int]) -> None:
    """Change contractors anywhere in the list, one transaction each, until told."""
    chosen = random.Random(1)
    ids = list(Contractor.objects.values_list("pk", flat=True))
    while not stop.wait(0.005):
        contractor = Contractor.objects.get(pk=chosen.choice(ids))
        contractor.worker_number = f"W-{len(changed)}"
        contractor.save()
        changed.append(contractor.pk)
    connections.close_all()


def upserts(client: Client, count: int, peer: IdleNetBox) -> list[Figure]:
    """Return what creating, changing and sending again takes, audit included."""
    vendor = {"id": str(Vendor.objects.values_list("public_id", flat=True)[0])}

    def send(word: str) -> list[dict[str, Any]]:
        return [
            client.ask(
                "/api/v1/contractors/batch",
                {
                    "contractors": [
                        {
                            "external_id": f"B-{number}",
                            "full_name": f"{word} {number}",
                            "vendor": vendor,
                        }
                        for number in range(start, start + BATCH)
                    ]
                },
            )
            for start in range(0, count, BATCH)
        ]

    answers: dict[str, list[dict[str, Any]]] = {}
    before = Event.objects.count()
    creating = seconds_of(lambda: answers.update(created=send("New")))
    changing = seconds_of(lambda: answers.update(changed=send("Other")))
    events, moments = Event.objects.count(), written()
    replaying = seconds_of(lambda: answers.update(unchanged=send("Other")))
    patched = peer.patched()
    for word, told in answers.items():
        assert sum(answer[word] for answer in told) == count, told
    assert events == before + 2 * count
    assert (Event.objects.count(), written()) == (events, moments)
    return [
        Figure(
            "contractors created in batches, with audit", count / creating, "rows/s"
        ),
        Figure(
            "contractors changed in batches, with audit", count / changing, "rows/s"
        ),
        Figure(f"bulk PATCH: {peer.name}", patched, "rows/s"),
        Figure("ours to theirs", count / changing / patched, "times", goal=50),
        Figure("sent again: nothing written", count / replaying, "rows/s"),
    ]


def written() -> tuple[int, ...]:
    """Return how many rows of contractors and events were ever written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(xmin::text::bigint) FROM engagements_contractor")
        (latest,) = cursor.fetchone()
    return (latest,)


def plant(count: int) -> None:
    vendors = [make_vendor() for _ in range(100)]
    managers = [make_user(Role.MANAGER) for _ in range(20)]
    departments = [make_department() for _ in range(20)]
    services = [Service.objects.create(name=f"Service {n}") for n in range(20)]
    centres = [make_cost_centre() for _ in range(10)]
    for start in range(0, count, 5000):
        people = Contractor.objects.bulk_create(
            Contractor(full_name=f"Worker {number}", vendor=vendors[number % 100])
            for number in range(start, min(start + 5000, count))
        )
        works = log_imported(
            engagements=[
                Assignment(
                    title=f"Engineer {number}",
                    contractor=person,
                    vendor=person.vendor,
                    manager=managers[number % 20],
                    department=departments[number % 20],
                    service=services[number % 20],
                    starts_on=date(2026, 1, 1),
                )
                for number, person in enumerate(people)
            ],
            actor=None,
        )
        splits = CostSplit.objects.bulk_create(
            CostSplit(engagement_id=work.pk, starts_on=work.starts_on) for work in works
        )
        shares = [
            CostSplitShare(
                split=split, cost_centre=centres[(number + part) % 10], percent=percent
            )
            for number, split in enumerate(splits)
            for part, percent in enumerate((Decimal(60), Decimal(40)))
        ]
        CostSplitShare.objects.bulk_create(shares, batch_size=2000)
    assert Engagement.objects.count() == count
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
