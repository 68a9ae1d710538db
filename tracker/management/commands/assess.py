import json
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tracker.fit.services import AssessmentRun, assess

# Windows and quarters reach back from the day asked for.
EARLIEST_YEAR = 1970


class Command(BaseCommand):
    help = "Judge every running engagement: would the other model fit better?"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of",
            metavar="DATE",
            help="Judge from the records up to this day, as 2026-01-31; today if left.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = _day(options["as_of"])
        run = assess(as_of=as_of, actor=None)
        told = _as_json(run, as_of) if options["json"] else _as_text(run, as_of)
        self.stdout.write(told)


def _day(given: str | None) -> date:
    today = timezone.localdate()
    if given is None:
        return today
    try:
        day = date.fromisoformat(given)
    except ValueError as error:
        raise CommandError(
            f"--as-of: “{given}” is not a date. Write year-month-day, as 2026-01-31."
        ) from error
    if day > today:
        raise CommandError(
            f"--as-of: {day} lies ahead. Choose a day up to today, {today}."
        )
    if day.year < EARLIEST_YEAR:
        raise CommandError(f"--as-of: choose a day from {EARLIEST_YEAR} on.")
    return day


def _as_json(run: AssessmentRun, as_of: date) -> str:
    return json.dumps({"as_of": as_of.isoformat(), **asdict(run)})


def _as_text(run: AssessmentRun, as_of: date) -> str:
    return (
        f"As of {as_of}: {run.judged} judged,"
        f" {run.not_enough_evidence} with not enough evidence,"
        f" {run.flags_raised} flags raised, {run.flags_cleared} cleared,"
        f" in {run.seconds:.1f} s."
    )
