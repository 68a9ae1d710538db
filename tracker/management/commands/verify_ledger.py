import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracker.spend.services import Verification, rebuild_roll_ups, verify_ledger

REBUILD = "run verify_ledger --repair"
RESTORE = (
    "it was written past the product: keep a copy and compare it with a backup, see"
    " docs/operations.md"
)
CORRECT = (
    "correct the document by a credit note or a further invoice, or restore it from a"
    " backup; the ledger stays as it is"
)


class Command(BaseCommand):
    help = (
        "Recompute the monthly roll-ups, the totals of months, booked months,"
        " documents, hours, reversals and cost splits from the ledger and compare them"
        " with what is kept, to the cent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object."
        )
        parser.add_argument(
            "--repair",
            action="store_true",
            help=(
                "Make roll-ups and totals that differ anew from the ledger, then verify"
                " once more. The ledger itself is only read."
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found, rebuilt = verify_ledger(), []
        if options["repair"] and found.months_to_rebuild:
            rebuilt = rebuild_roll_ups(months=found.months_to_rebuild, actor=None)
            found = verify_ledger()
        if options["json"]:
            told = {"is_exact": found.is_exact, "rebuilt": rebuilt, **asdict(found)}
            self.stdout.write(json.dumps(told, default=str))
        else:
            if rebuilt:
                names = ", ".join(f"{month:%Y-%m}" for month in rebuilt)
                self.stdout.write(f"Made anew from the ledger: {names}.")
            self.stdout.write("\n".join(_lines(found)))
        if not found.is_exact:
            raise CommandError(
                "The ledger is the truth; what is kept beside it is wrong. Keep a copy"
                " of the database, and see docs/operations.md."
            )


def _lines(found: Verification) -> Iterator[str]:
    yield (
        f"{found.entries} entries, {found.roll_ups} months rolled up,"
        f" {found.totals} totals of months, {found.documents} documents;"
        f" {found.total} {found.currency} in all."
    )
    yield from _derived(found)
    for booking in found.booking_mismatches:
        yield (
            f"  entry {booking.entry} was booked in {booking.booked_month:%Y-%m} while"
            f" that was closed; {RESTORE}"
        )
    for document in found.source_mismatches:
        yield (
            f"  {document.source} {document.source_id}: it says {document.document},"
            f" the ledger holds {document.ledger}; {CORRECT}"
        )
    for reversal in found.reversal_mismatches:
        yield (
            f"  entry {reversal.entry} is not the opposite of"
            f" {reversal.reversal_of}, which it reverses; {RESTORE}"
        )
    for unknown in found.unknown_sources:
        yield (
            f"  entry {unknown.entry} is of {unknown.source} {unknown.source_id}, which"
            " is not there, doesn't count, or is of another engagement or day;"
            f" {RESTORE}"
        )
    for work in found.unposted_work:
        yield (
            f"  work_log {work.work_log}: {work.hours} h on {work.engagement} on"
            f" {work.day} count, and the ledger holds nothing of them; {CORRECT}"
        )
    for split in found.split_mismatches:
        yield (
            f"  the cost split of {split.engagement} from {split.starts_on} sums to"
            f" {split.percent} %; set it anew, what was posted under it stays"
        )
    if found.is_exact:
        yield "Everything agrees, to the cent."


def _derived(found: Verification) -> Iterator[str]:
    for month in found.roll_up_mismatches:
        yield (
            f"  {month.engagement} {month.month:%Y-%m}, booked in"
            f" {month.booked_month:%Y-%m}, {month.cost_centre} {month.charge_kind},"
            f" {month.basis}: the ledger sums to {month.ledger}"
            f" ({month.ledger_reporting} {found.currency}), the roll-up holds"
            f" {month.roll_up} ({month.roll_up_reporting} {found.currency}); {REBUILD}"
        )
    for total in found.total_mismatches:
        yield (
            f"  total of {total.booked_month:%Y-%m} by {total.dimension}"
            f" {total.member or ''} {total.kind}, {total.basis}: the roll-up sums to"
            f" {total.roll_up} {found.currency}, the total holds {total.total}"
            f" {found.currency}; {REBUILD}"
        )
