import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracker.fit.services import try_engine
from tracker.fit.trial.page import as_page, as_text

PAGE = "docs/algorithms/fit-evaluation.md"


class Command(BaseCommand):
    help = "Try the fit engine on planted portfolios and print how good it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the table as JSON."
        )
        parser.add_argument(
            "--page",
            metavar="FILE",
            default=str(Path(settings.BASE_DIR) / PAGE),
            help=f"Where the page is written; {PAGE} if left.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(options["page"])
        if not page.parent.is_dir():
            raise CommandError(f"--page: there is no folder {page.parent}.")
        table = try_engine()
        page.write_text(as_page(table), encoding="utf-8")
        told = json.dumps(table.as_json()) if options["json"] else as_text(table)
        self.stdout.write(told)
