"""Imports that meet one another, and imports whose process is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, OperationalError, connection

from engagements.models import Engagement, Vendor
from tracker.imports import payment_posting, services
from tracker.spend.models import LedgerEntry, Payment

ROOT = Path(__file__).parents[2]
LINES = 400


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "spend.csv"
    rows = (
        f"2016-10-{n % 28 + 1:02},{n}.25,VENDOR {n % 40} LTD,T-{n},Unit {n % 5},"
        "Cleaning"
        for n in range(LINES)
    )
    header = "Paid Date,Amount,Supplier Name,Trans No,Service Area,Category"
    path.write_text("\n".join((header, *rows)))
    return path


def run_of(file):
    return services.new_run(
        kind_name="payments",
        file_name=file.name,
        corrections={},
        options={},
        is_per_line=False,
    )


@pytest.mark.django_db(transaction=True)
def test_same_file_imported_twice_at_once_is_stored_once(file):
    ready, added = Barrier(2), []

    def bring_in():
        ready.wait(timeout=10)
        try:
            report = services.apply_file(run=run_of(file), path=file, actor=None)
            added.append((report.accepted, report.added))
        finally:
            connection.close()

    threads = [Thread(target=bring_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert sorted(added) == [(LINES, 0), (LINES, LINES)]
    assert Payment.objects.count() == LedgerEntry.objects.count() == LINES
    assert (Vendor.objects.count(), Engagement.objects.count()) == (40, 40)


@pytest.mark.django_db
def test_lock_that_is_not_granted_is_tried_again(file, monkeypatch):
    real, calls = payment_posting.apply_posting, []

    def wait_in_vain_once(*args, **given):
        calls.append(args)
        if len(calls) == 1:
            raise OperationalError("database is locked")
        return real(*args, **given)

    monkeypatch.setattr(payment_posting, "apply_posting", wait_in_vain_once)

    report = services.apply_file(run=run_of(file), path=file, actor=None)

    assert report.added == LINES == Payment.objects.count()


@pytest.mark.django_db
def test_fault_of_the_database_is_not_taken_for_a_race(file, monkeypatch):
    def fail(*_args, **_given):
        raise DatabaseError("disk full")

    monkeypatch.setattr(payment_posting, "apply_posting", fail)

    with pytest.raises(DatabaseError, match="disk full"):
        services.apply_file(run=run_of(file), path=file, actor=None)


@pytest.mark.sqlite
def test_killed_import_leaves_nothing_and_can_be_repeated(file, tmp_path):
    """A process of its own on a database of its own, killed while it posts."""
    environment = os.environ | {
        "DATA_DIR": str(tmp_path / "data"),
        "TRACKER_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    environment.pop("DATABASE_URL", None)
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import django\n"
        "django.setup()\n"
        "from django.core.management import call_command\n"
        "from tracker.imports import payment_posting\n"
        "real = payment_posting._learn_codes\n"
        "def stop(*args):\n"
        "    real(*args)\n"
        "    print('half-way', flush=True)\n"
        "    time.sleep(60)\n"
        "payment_posting._learn_codes = stop\n"
        f"call_command('import_file', 'payments', {str(file)!r})\n"
    )

    def manage(*arguments):
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    manage("migrate", "-v0")
    with subprocess.Popen(
        [sys.executable, str(slow)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-way\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    out = manage("import_file", "payments", str(file))

    assert f"{LINES} new, 0 recorded already" in out
    assert "created 40 vendors, 40 engagements and 5 departments" in out
