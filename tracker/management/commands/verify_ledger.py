import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracker.spend.services import Verification, verify_ledger


class Command(BaseCommand):
    help = (
        "Recompute the monthly roll-ups, documents and reversals from the ledger and"
        " compare them with what is kept, to the cent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_ledger()
        if options["json"]:
            told = {"is_exact": found.is_exact, **asdict(found)}
            self.stdout.write(json.dumps(told, default=str))
        else:
            self.stdout.write("\n".join(_lines(found)))
        if not found.is_exact:
            raise CommandError(
                "The ledger is the truth; what is kept beside it is wrong. Keep a copy"
                " of the database, and see docs/operations.md."
            )


def _lines(found: Verification) -> Iterator[str]:
    yield (
        f"{found.entries} entries, {found.roll_ups} months rolled up,"
        f" {found.documents} documents; {found.total} {found.currency} in all."
    )
    for month in found.roll_up_mismatches:
        yield (
            f"  {month.engagement} {month.month:%Y-%m} {month.cost_centre}"
            f" {month.charge_kind}, {month.basis}: the ledger sums to {month.ledger}"
            f" ({month.ledger_reporting} {found.currency}), the roll-up holds"
            f" {month.roll_up} ({month.roll_up_reporting} {found.currency})"
        )
    for document in found.source_mismatches:
        yield (
            f"  {document.source} {document.source_id}: it says {document.document},"
            f" the ledger holds {document.ledger}"
        )
    for reversal in found.reversal_mismatches:
        yield (
            f"  entry {reversal.entry} is not the opposite of"
            f" {reversal.reversal_of}, which it reverses"
        )
    if found.is_exact:
        yield "Everything agrees, to the cent."
