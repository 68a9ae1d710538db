from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from engagements.models import User
from engagements.queries import administrators
from tracker.api.scopes import SCOPES
from tracker.api.services import create_api_key


class Command(BaseCommand):
    help = "Make an API key and print it, once: it is stored nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scopes",
            required=True,
            nargs="+",
            help=f"separated by commas or blanks, of: {', '.join(SCOPES)}",
        )
        parser.add_argument(
            "--name", default="API key", help="which system will use it"
        )
        parser.add_argument(
            "--owner",
            default="",
            help="username of the person it acts as; the first administrator, if left"
            " out",
        )
        parser.add_argument(
            "--expires",
            type=date.fromisoformat,
            help="its last day, such as 2027-03-31",
        )

    def handle(self, **options: Any) -> None:
        scopes = ",".join(options["scopes"]).replace(" ", ",").split(",")
        try:
            api_key, text = create_api_key(
                name=options["name"],
                scopes=[scope for scope in scopes if scope],
                owner=owner_named(options["owner"])
                if options["owner"]
                else first_administrator(),
                expires_on=options["expires"],
                actor=None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        # The key alone goes to standard output, so that a script can keep it.
        self.stderr.write(
            f"{api_key.name} acts as {api_key.owner.username}; its client id for OAuth2"
            f" is {api_key.client_id}:"
        )
        self.stdout.write(text)


def first_administrator() -> User:
    administrator = administrators().first()
    if administrator is None:
        raise CommandError(
            "There is no active administrator: say with --owner whom the key acts as."
        )
    return administrator


def owner_named(username: str) -> User:
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist:
        raise CommandError(f"There is no active user “{username}”.") from None
