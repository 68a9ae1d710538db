from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from engagements.services.tenure import load_tenure_policies


class Command(BaseCommand):
    help = (
        "Load the tenure policies known by default, each with its source. They warn"
        " only, and those loaded before stay as they are. Not legal advice."
    )

    def handle(self, **options: Any) -> None:
        try:
            loaded = load_tenure_policies(actor=None)
        except ValidationError as error:
            raise CommandError(
                f"{' '.join(error.messages)} Rename that policy and load again."
            ) from error
        for policy in loaded:
            self.stdout.write(f"{policy.name} ({policy.source})")
        self.stdout.write(f"Loaded {len(loaded)} tenure policies.")
