import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagements.errors import TrackerError
from engagements.models import User
from tracker.management.months import month_argument
from tracker.spend.services import MonthChecklist, close_month, month_checklist


class Command(BaseCommand):
    help = (
        "Tell what stands in the way of closing a month, and close it to postings where"
        " nothing blocks. Months close in order."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", type=month_argument, help="YYYY-MM")
        parser.add_argument(
            "--by",
            metavar="USERNAME",
            help="Who closes it: of finance, or an administrator.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell the checklist, close nothing."
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the checklist as JSON."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        month: date = options["month"]
        checklist = self._checklist(month)
        if options["json"]:
            self.stdout.write(json.dumps(_told(checklist)))
        else:
            self.stdout.write("\n".join(_lines(checklist)))
        if options["dry_run"]:
            return
        self._close(month, options["by"])
        self.stdout.write(f"{month:%Y-%m} is closed.")

    def _checklist(self, month: date) -> MonthChecklist:
        try:
            return month_checklist(month=month, today=timezone.localdate())
        except TrackerError as refusal:
            raise CommandError(str(refusal)) from refusal

    def _close(self, month: date, username: str | None) -> None:
        if not username:
            raise CommandError("Say who closes it: --by USERNAME, or --dry-run.")
        actor = User.objects.filter(username=username, is_active=True).first()
        if actor is None:
            raise CommandError(f"No active person is called “{username}”.")
        try:
            close_month(month=month, actor=actor)
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        except TrackerError as refusal:
            raise CommandError(str(refusal)) from refusal


def _told(checklist: MonthChecklist) -> dict[str, Any]:
    return {
        "month": f"{checklist.month:%Y-%m}",
        "is_ready": checklist.is_ready,
        "items": [
            {
                "code": item.code,
                "title": item.title,
                "count": item.count,
                "is_blocking": item.is_blocking,
                "remark": item.remark,
            }
            for item in checklist.items
        ],
    }


def _lines(checklist: MonthChecklist) -> Iterator[str]:
    for item in checklist.items:
        mark = "ok   "
        if not item.is_done:
            mark = "BLOCK" if item.is_blocking else "warn "
        remark = f" ({item.remark})" if item.remark else ""
        yield f"{mark}  {item.count:>6}  {item.title}{remark}"
    ready = "nothing blocks" if checklist.is_ready else "not ready to be closed"
    yield f"{checklist.month:%Y-%m}: {ready}."
