"""Web processes killed while they post: nothing lost, nothing twice.

Small here; `make faults` runs the whole: 10,000 postings, over 200 kills.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psutil

from tests.management.product import Product

POSTINGS = int(os.environ.get("FAULT_POSTINGS", "60"))
CLIENTS = 8
GIVE_UP_AFTER = 60 + POSTINGS  # seconds
PAUSE_BETWEEN_KILLS = (0.5, 1.5)

PREPARE = """
from datetime import date
from django.utils import timezone
from engagements.choices import Role
from engagements.models import Engagement
from tests.factories import begun, make_contract, make_user
from tracker.api.services import create_api_key
boss = make_user(Role.ADMINISTRATOR, username="boss")
contract = make_contract(external_id="E-1", starts_on=date(2025, 1, 1))
begun(contract)
contract.vendor.external_id = "V-1"
contract.vendor.save()
_key, text = create_api_key(
    name="Faults", scopes=["invoices:read", "invoices:write"], owner=boss, actor=boss
)
print(text)
"""
POSTED = """
import json
from engagements.models import Event
from tracker.spend.models import Invoice, InvoiceLine, LedgerEntry
from tracker.spend.services import verify_ledger
entries = LedgerEntry.objects.filter(source_type="invoice_line")
told = Event.objects.filter(event_type="invoice.received").values_list("subject_id")
print(json.dumps({
    "invoices": Invoice.objects.count(),
    "lines": InvoiceLine.objects.count(),
    "entries": entries.count(),
    "total": str(sum(entry.amount for entry in entries)),
    "events": len(told),
    "told of": len(set(told)),
    "ledger holds": verify_ledger().is_exact,
}))
"""


def test_invoices_accepted_are_invoices_stored_whatever_is_killed(product):
    key = product.python(PREPARE).splitlines()[-1]

    with killing(product, "gunicorn") as killed, ThreadPoolExecutor(CLIENTS) as clients:
        accepted = list(
            clients.map(
                lambda number: post(product.address, key, number), range(POSTINGS)
            )
        )

    found = json.loads(product.python(POSTED).splitlines()[-1])
    assert all(accepted)
    assert len(killed) >= min(POSTINGS // 50, 200)
    assert found == {
        "invoices": POSTINGS,
        "lines": POSTINGS,
        "entries": POSTINGS,
        "total": f"{sum(range(POSTINGS)) + POSTINGS}.0000",
        "events": POSTINGS,
        "told of": POSTINGS,
        "ledger holds": True,
    }


@contextmanager
def killing(product: Product, program: str) -> Iterator[list[int]]:
    """Kill what works for a program, one after the other, as long as the block runs.

    Not those that start the others: they are started anew ever more slowly.
    """
    killed: list[int] = []
    ended = Event()

    def kill() -> None:
        chosen = random.Random(1)
        while not ended.wait(chosen.uniform(*PAUSE_BETWEEN_KILLS)):
            targets = [p for p in product.descendants() if runs(p, program)]
            if targets:
                target = chosen.choice(targets)
                target.send_signal(signal.SIGKILL)
                killed.append(target.pid)

    killer = Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def runs(process: psutil.Process, program: str) -> bool:
    try:
        words, started = process.cmdline(), process.children()
    except psutil.Error:
        return False
    return program in " ".join(words) and "beat" not in words and not started


def post(address: str, key: str, number: int) -> bool:
    """Send an invoice until it is answered for; whoever sends knows no more."""
    body = json.dumps(
        {
            "vendor": {"external_id": "V-1"},
            "number": f"N-{number}",
            "issued_on": "2026-02-01",
            "currency": "GBP",
            "total": f"{number + 1}.00",
            "status": "received",
            "lines": [
                {
                    "engagement": {"external_id": "E-1"},
                    "charge": "one_off",
                    "service_from": "2026-01-01",
                    "service_to": "2026-01-31",
                    "amount": f"{number + 1}.00",
                }
            ],
        }
    ).encode()
    give_up_at = time.monotonic() + GIVE_UP_AFTER
    while time.monotonic() < give_up_at:
        asked = Request(
            f"{address}/api/v1/invoices/by-external-id/I-{number}",
            data=body,
            method="PUT",
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(asked, timeout=30) as answer:
                return answer.status in (200, 201)
        except (HTTPError, URLError, OSError):
            # Whether it was stored nobody knows: the same again changes nothing.
            time.sleep(0.2)
    return False
