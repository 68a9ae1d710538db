"""Processes killed while they post: nothing lost, nothing twice.

Half of the postings are invoices that clients send to the web server, half payments
in files that workers check and apply. Small here; `make faults` runs the whole:
10,000 postings, over 200 kills.
"""

import csv
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psutil

from tests.management.product import Product

POSTINGS = int(os.environ.get("FAULT_POSTINGS", "60"))
INVOICES = POSTINGS // 2
LINES_OF_A_FILE = 50 if POSTINGS > 1000 else 5
FILES = (POSTINGS - INVOICES) // LINES_OF_A_FILE
PAYMENTS = FILES * LINES_OF_A_FILE
CLIENTS = 8
GIVE_UP_AFTER = 60 + POSTINGS * 0.24  # seconds
PAUSE_BETWEEN_KILLS = (0.5, 2.0)

# Those that start the others less often: they are started again ever more slowly.
AT_WORK = ("a worker's child", "a web worker")
TARGETS = (
    *AT_WORK,
    "the worker",
    *(*AT_WORK, *AT_WORK, *AT_WORK),
    "the scheduler",
    *(*AT_WORK, *AT_WORK, *AT_WORK),
    "the web server",
    *(*AT_WORK, *AT_WORK, *AT_WORK),
)
# The program that serve starts, and whether it or what it started is meant.
PROGRAMS = {
    "a worker's child": ("config worker", False),
    "a web worker": ("gunicorn", False),
    "the worker": ("config worker", True),
    "the scheduler": ("config beat", True),
    "the web server": ("gunicorn", True),
}

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
# As a person does who uploads files and applies each as soon as it is checked. They
# wait for the workers and do nothing that would help them.
IMPORT_ALL = """
import time
from pathlib import Path
from django.core.files import File
from engagements.models import User
from tracker.imports.models import ImportRun, RunState
from tracker.imports.services import accept_upload, request_apply, request_check
from tracker.jobs.models import JobRun, JobStatus
boss = User.objects.get(username="boss")
for path in sorted(Path({folder!r}).glob("*.csv")):
    with path.open("rb") as file:
        run = accept_upload(
            upload=File(file, path.name), kind_name="payments", actor=boss
        )
    request_check(run=run, corrections={{}}, options={{}}, actor=boss)
give_up_at = time.monotonic() + {seconds}
while time.monotonic() < give_up_at:
    for run in ImportRun.objects.filter(state=RunState.CHECKED):
        request_apply(run=run, is_per_line=False, actor=boss)
    is_waiting = ImportRun.objects.exclude(state=RunState.APPLIED).exists()
    if not is_waiting and not JobRun.objects.filter(
        name="import", status=JobStatus.RUNNING
    ):
        break
    time.sleep(0.2)
"""
STORED = """
import json
from engagements.models import Event
from tracker.imports.models import ImportRun
from tracker.jobs.models import JobRun
from tracker.spend.models import Invoice, InvoiceLine, LedgerEntry, Payment
from tracker.spend.services import verify_ledger
def entries(source):
    return LedgerEntry.objects.filter(source_type=source)
def told(event_type):
    return Event.objects.filter(event_type=event_type).values_list("subject_id")
received = told("invoice.received")
imports = JobRun.objects.filter(name="import")
print(json.dumps({
    "invoices": Invoice.objects.count(),
    "lines": InvoiceLine.objects.count(),
    "entries of lines": entries("invoice_line").count(),
    "total of lines": str(sum(entry.amount for entry in entries("invoice_line"))),
    "invoices told of": [len(received), len(set(received))],
    "payments": Payment.objects.count(),
    "entries of payments": entries("payment").count(),
    "total of payments": str(sum(entry.amount for entry in entries("payment"))),
    "imports": sorted(set(ImportRun.objects.values_list("state", flat=True))),
    "imports told of": [len(told("import.checked")), len(told("import.applied"))],
    "jobs": sorted(set(imports.values_list("status", flat=True))),
    "ledger holds": verify_ledger().is_exact,
}))
"""


def test_what_is_accepted_is_stored_once_whatever_is_killed(product, tmp_path):
    key = product.python(PREPARE).splitlines()[-1]
    folder = tmp_path / "files"
    write_payments(folder)

    with killing(product) as killed, ThreadPoolExecutor(CLIENTS + 1) as clients:
        importing = clients.submit(
            product.python,
            IMPORT_ALL.format(folder=str(folder), seconds=GIVE_UP_AFTER),
            seconds=GIVE_UP_AFTER + 60,
        )
        accepted = list(
            clients.map(
                lambda number: post(product.address, key, number), range(INVOICES)
            )
        )
        importing.result()

    assert all(accepted), str(product)
    assert json.loads(product.python(STORED, seconds=600).splitlines()[-1]) == {
        "invoices": INVOICES,
        "lines": INVOICES,
        "entries of lines": INVOICES,
        "total of lines": f"{sum(range(INVOICES)) + INVOICES}.0000",
        "invoices told of": [INVOICES, INVOICES],
        "payments": PAYMENTS,
        "entries of payments": PAYMENTS,
        "total of payments": f"{sum(range(PAYMENTS)) + PAYMENTS}.0000",
        "imports": ["applied"],
        "imports told of": [FILES, FILES],
        "jobs": ["done"],
        "ledger holds": True,
    }, str(product)
    assert sum(killed.values()) >= min(POSTINGS // 12, 200), killed
    assert min(killed[target] for target in ("the worker", *AT_WORK)) >= 1, killed


@contextmanager
def killing(product: Product) -> Iterator[Counter[str]]:
    """Kill one process after the other as long as the block runs; count them."""
    killed: Counter[str] = Counter()
    ended = Event()

    def kill() -> None:
        chosen = random.Random(1)
        targets = cycle(TARGETS)
        target = next(targets)
        while not ended.wait(chosen.uniform(*PAUSE_BETWEEN_KILLS)):
            # Not before the one killed last is back: all would be starting for ever.
            with suppress(psutil.Error):
                if is_complete(product):
                    found = processes(product, target)
                    chosen.choice(found).send_signal(signal.SIGKILL)
                    killed[target] += 1
                    target = next(targets)

    killer = Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def is_complete(product: Product) -> bool:
    return [len(processes(product, target)) for target in PROGRAMS] == [2, 2, 1, 1, 1]


def processes(product: Product, target: str) -> list[psutil.Process]:
    word, is_itself = PROGRAMS[target]
    serve = psutil.Process(product.process.pid)
    found: list[psutil.Process] = [
        program for program in serve.children() if word in " ".join(program.cmdline())
    ]
    if is_itself:
        return found
    return [child for program in found for child in program.children()]


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


def write_payments(folder: Path) -> None:
    folder.mkdir()
    for file_number in range(FILES):
        first = file_number * LINES_OF_A_FILE
        with (folder / f"{file_number:04}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Paid Date", "Amount", "Supplier Name", "Trans No"])
            for number in range(first, first + LINES_OF_A_FILE):
                writer.writerow(
                    ["2026-01-15", f"{number + 1}.00", f"Vendor {number % 7}", number]
                )
