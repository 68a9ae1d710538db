"""A file of payments imported on PostgreSQL, beside a bare COPY of the same rows."""

import csv
import os
import random
import re
import tempfile
from decimal import Decimal
from pathlib import Path

import psycopg
from django.db import connection

from tests.benchmarks.figures import Figure, command, seconds_of

HEADER = [
    "Paid Date",
    "Amount",
    "Supplier Name",
    "Trans No",
    "Service Area",
    "Category",
]
CATEGORIES = ["Cleaning", "IT consultancy", "Legal", "Agency staff", "Software"]
TABLE = "tracker_payment"


def run(*, is_full: bool) -> list[Figure]:
    lines = 1_000_000 if is_full else 50_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "payments.csv"
        total = write(path, lines)
        imported = command("import_file", "payments", str(path))
        again = command("import_file", "payments", str(path))
    assert re.search(rf"Added {lines:,} payments", imported.output), imported.output
    assert "Added 0 payments" in again.output, again.output
    assert stored() == (lines, total)
    copying = bare_copy()
    return [
        Figure(f"payments imported, of {lines:,}", lines / imported.seconds, "rows/s"),
        Figure("bare COPY into the same table", lines / copying, "rows/s"),
        Figure("part of bare COPY", copying / imported.seconds, "", goal=0.5),
        Figure("memory", imported.megabytes, "MB", goal=400, wanted="at most"),
        Figure("the same file again: nothing added", again.seconds, "s"),
    ]


def write(path: Path, lines: int) -> Decimal:
    chosen, total = random.Random(1), Decimal(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(lines):
            vendor = chosen.randrange(400)
            amount = Decimal(chosen.randrange(100, 500_000)) / 100
            total += amount
            writer.writerow(
                [
                    f"2024-{chosen.randrange(1, 13):02}-{chosen.randrange(1, 29):02}",
                    str(amount),
                    f"Vendor {vendor} Ltd",
                    f"T-{number}",
                    f"Unit {vendor % 20}",
                    CATEGORIES[vendor % 5],
                ]
            )
    return total


def stored() -> tuple[int, Decimal]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(amount) FROM {TABLE}")
        count, total = cursor.fetchone()
    return count, Decimal(total) / 10_000


def bare_copy() -> float:
    """Return the seconds that COPY takes into a table alike: keys, indexes, checks."""
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as server,
        server.cursor() as cursor,
    ):
        cursor.execute(f"CREATE TABLE payment_copy (LIKE {TABLE} INCLUDING ALL)")
        for column, table in (
            ("engagement_id", "engagements_engagement"),
            ("vendor_id", "engagements_vendor"),
        ):
            cursor.execute(
                f"ALTER TABLE payment_copy ADD FOREIGN KEY ({column})"
                f" REFERENCES {table} (id)"
            )
        with cursor.copy(f"COPY {TABLE} TO STDOUT") as outgoing:
            parts = [bytes(part) for part in outgoing]

        def copy_in() -> None:
            with cursor.copy("COPY payment_copy FROM STDIN") as incoming:
                for part in parts:
                    incoming.write(part)
            server.commit()

        return seconds_of(copy_in)
