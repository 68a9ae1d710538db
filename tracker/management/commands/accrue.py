import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagements.errors import TrackerError
from engagements.values.money import round_money
from engagements.values.periods import add_months, month_of
from tracker.management.months import month_argument
from tracker.spend.services import AccruedEngagement, MonthReckoned, reckon_month


class Command(BaseCommand):
    help = (
        "Reckon what every engagement owes, or has paid ahead, at a month's end, and"
        " post it as accrued spend; keep what was committed and expected then."
        " Repeated, it posts and keeps only what changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--month",
            type=month_argument,
            help="YYYY-MM; the last month that is over, unless given.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell the figures, store nothing."
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the result as one JSON object."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        month: date = options["month"] or add_months(month_of(today), -1)
        is_trial: bool = options["dry_run"]
        try:
            reckoned = reckon_month(
                month=month, today=today, is_trial=is_trial, actor=None
            )
        except TrackerError as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(_told(reckoned, is_trial), default=str))
        else:
            self.stdout.write("\n".join(_lines(reckoned, is_trial)))
        # What neither owed nor was owed may still be bound in such a currency.
        refused = reckoned.accruals.refused | reckoned.outlooks.refused
        if refused:
            raise CommandError(
                f"{len(refused)} left out: {'; '.join(refused.values())}"
            )


def _told(reckoned: MonthReckoned, is_trial: bool) -> dict[str, Any]:
    run = reckoned.accruals
    return {
        "month": f"{run.month:%Y-%m}",
        "is_trial": is_trial,
        "accrued": run.accrued,
        "currency": settings.REPORTING_CURRENCY,
        "changed": run.changed,
        "entries": run.entries,
        "refused": run.refused,
        "engagements": [asdict(row) for row in run.rows],
        "outlooks": asdict(reckoned.outlooks),
    }


def _line(row: AccruedEngagement) -> str:
    accrual, estimated, prepayment = (
        f"{round_money(amount, row.currency)} {row.currency}"
        for amount in (row.accrual, row.estimated, row.prepayment)
    )
    estimate = f", {estimated} of it estimated" if row.estimated else ""
    return f"{row.reference}: accrual {accrual}{estimate}, prepayment {prepayment}"


def _lines(reckoned: MonthReckoned, is_trial: bool) -> Iterator[str]:
    run, outlooks = reckoned.accruals, reckoned.outlooks
    for row in run.rows:
        if row.accrual or row.prepayment:
            yield _line(row)
    done = "nothing stored: a trial" if is_trial else f"{run.entries} entries posted"
    yield (
        f"{run.month:%Y-%m}: {len(run.rows)} engagements, {run.changed} changed;"
        f" {run.accrued} {settings.REPORTING_CURRENCY} accrued; {done}."
    )
    yield (
        f"{run.month:%Y-%m}: {outlooks.engagements} outlooks, {outlooks.changed}"
        f" changed; {outlooks.committed} {settings.REPORTING_CURRENCY} committed,"
        f" {outlooks.expected} expected of the fiscal year."
    )
