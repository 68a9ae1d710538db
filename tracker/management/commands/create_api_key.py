from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from engagements.models import User
from tracker.api.scopes import SCOPES
from tracker.api.services import create_api_key


class Command(BaseCommand):
    help = "Make an API key and print it, once: it is stored nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="which system will use it")
        parser.add_argument(
            "--scopes",
            required=True,
            help=f"separated by commas, of: {', '.join(SCOPES)}",
        )
        parser.add_argument(
            "--owner", required=True, help="username of the person it acts as"
        )
        parser.add_argument(
            "--expires",
            type=date.fromisoformat,
            help="its last day, such as 2027-03-31",
        )

    def handle(self, **options: Any) -> None:
        scopes = [scope.strip() for scope in options["scopes"].split(",")]
        try:
            api_key, text = create_api_key(
                name=options["name"],
                scopes=[scope for scope in scopes if scope],
                owner=owner_named(options["owner"]),
                expires_on=options["expires"],
                actor=None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        # The key alone goes to standard output, so that a script can keep it.
        self.stderr.write(f"{api_key.name} acts as {api_key.owner.username}:")
        self.stdout.write(text)


def owner_named(username: str) -> User:
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist:
        raise CommandError(f"There is no active user “{username}”.") from None
