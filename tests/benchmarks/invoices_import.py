"""Invoice lines of which one in a hundred is bad: refused as a whole, or per line."""

import csv
import re
import tempfile
from datetime import date
from itertools import count, islice
from pathlib import Path

from django.db.models import Sum

from engagements.models import Engagement
from tests.benchmarks.figures import Figure, Finished, command
from tests.factories import begun, make_contract, make_vendor
from tracker.imports.models import ImportProblem, ImportRun
from tracker.spend.models import Invoice, InvoiceLine, LedgerEntry

HEADER = [
    "Vendor",
    "Invoice number",
    "Invoice date",
    "Engagement",
    "Charge",
    "Service from",
    "Service to",
    "Amount",
]
VENDORS = 100
LINES_OF_AN_INVOICE = 10
# With every hundredth line, every tenth invoice has a bad one and is left out whole.
BAD_EVERY = 100


def run(*, is_full: bool) -> list[Figure]:
    lines = 100_000 if is_full else 20_000
    good = lines - lines // BAD_EVERY * LINES_OF_AN_INVOICE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "invoices.csv"
        cents = write(path, lines, planted())
        refused = command("import_file", "invoices", str(path), ends_with=1)
        assert_nothing_applied(refused, lines)
        taken = command("import_file", "invoices", str(path), "--per-line")
        again = command("import_file", "invoices", str(path), "--per-line")
    assert re.search(rf"of {good:,} lines\.", taken.output), taken.output[-500:]
    assert "Received 0 invoices" in again.output, again.output[-500:]
    assert InvoiceLine.objects.count() == LedgerEntry.objects.count() == good
    assert "Received 0 invoices" in again.output, again.output[-500:]
    assert InvoiceLine.objects.aggregate(sum=Sum("amount"))["sum"] * 100 == cents
    return [
        Figure(f"refused as a whole, of {lines:,}", lines / refused.seconds, "rows/s"),
        Figure("memory", refused.megabytes, "MB", goal=300, wanted="at most"),
        Figure(f"taken per line, {good:,} of them", lines / taken.seconds, "rows/s"),
        Figure("memory", taken.megabytes, "MB", goal=300, wanted="at most"),
        Figure("the same file again: nothing added", again.seconds, "s"),
    ]


def planted() -> list[Engagement]:
    return [
        begun(
            make_contract(
                vendor=make_vendor(legal_name=f"Vendor {number} Ltd"),
                starts_on=date(2024, 1, 1),
            )
        )
        for number in range(VENDORS)
    ]


def write(path: Path, lines: int, engagements: list[Engagement]) -> int:
    """Write the file; return the cents of the invoices without a bad line."""
    cents = 0
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(lines):
            invoice = number // LINES_OF_AN_INVOICE
            engagement = engagements[invoice % VENDORS]
            is_left_out = invoice % (BAD_EVERY // LINES_OF_AN_INVOICE) == 0
            amount = 1000 + number
            cents += 0 if is_left_out else amount
            writer.writerow(
                [
                    engagement.vendor.legal_name,
                    f"N-{invoice}",
                    "2024-05-31",
                    engagement.reference,
                    "one-off",
                    "2024-05-01",
                    "2024-05-31",
                    "much" if number % BAD_EVERY == 0 else f"{amount / 100:.2f}",
                ]
            )
    return cents


def assert_nothing_applied(refused: Finished, lines: int) -> None:
    """Each bad line is refused by its number, and so is the rest of its invoice."""
    assert "Nothing was applied" in refused.output, refused.output[-500:]
    assert not Invoice.objects.exists()
    assert not LedgerEntry.objects.exists()
    run = ImportRun.objects.get()
    numbers = run.problems.filter(field="amount").order_by("line")
    expected = islice(count(2, BAD_EVERY), lines // BAD_EVERY)
    assert list(numbers.values_list("line", flat=True)) == list(expected)
    assert ImportProblem.objects.values("line").distinct().count() == run.refused
