from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagements.models import Engagement
from tracker.demo.credentials import LOGINS, SANDBOX_KEY
from tracker.demo.load import load_company


class Command(BaseCommand):
    help = "Load the demo company: two years of engagements, work and invoices."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing, quietly, where engagements are recorded already",
        )
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            default=None,
            help="the day on which the story ends, as YYYY-MM-DD (default: today)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError(
                "The demo company has public passwords: it is never loaded in"
                " production. Set TRACKER_ENV=development to try it."
            )
        if Engagement.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError(
                "Engagements are recorded here already, and the demo company would mix"
                " with them. Load it into an empty database: set DATA_DIR or"
                " DATABASE_URL to a new one."
            )
        loaded = load_company(today=options["today"] or timezone.localdate())
        self.stdout.write(
            f"Loaded the demo company: {loaded.engagements} engagements,"
            f" {loaded.work_logs} work logs, {loaded.invoices} invoices,"
            f" {loaded.measurements} measurements, {loaded.flags} flags."
        )
        for username, password, role in LOGINS:
            self.stdout.write(f"  {role.label}: {username} / {password}")
        self.stdout.write(f"  API key: {SANDBOX_KEY}")
