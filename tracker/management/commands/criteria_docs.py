from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracker.fit.criteria import all_criteria
from tracker.fit.criteria_page import as_page

PAGE = "docs/criteria.md"


class Command(BaseCommand):
    help = f"Write {PAGE} from the criteria that are registered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="Write nothing; fail where the page is not up to date.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR) / PAGE
        told = as_page(all_criteria())
        written = page.read_text(encoding="utf-8") if page.exists() else ""
        if written == told:
            self.stdout.write(f"{PAGE} is up to date.")
            return
        if options["check"]:
            raise CommandError(
                f"{PAGE} is not up to date. Run: python manage.py criteria_docs"
            )
        page.write_text(told, encoding="utf-8")
        self.stdout.write(f"{PAGE} is written.")
