import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from engagements.errors import TrackerError
from engagements.models import Engagement, Vendor
from tracker.imports.electronic.services import draft_electronic
from tracker.imports.electronic.xml_tree import LARGEST_BYTES
from tracker.imports.problems import ImportRefusedError


class Command(BaseCommand):
    help = (
        "Read an electronic invoice (UBL 2.1, Peppol BIS, CII, Factur-X, ZUGFeRD) into"
        " a draft. Exit code 2 when it can't be read or matched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--vendor", default="", help="external id or legal name of who bills"
        )
        parser.add_argument(
            "--engagement",
            default="",
            help="reference of the engagement of lines that name none",
        )
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *, file: Path, vendor: str, engagement: str, **given: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.", returncode=2)
        if file.stat().st_size > LARGEST_BYTES:
            raise CommandError("The file is too large: 20 MB at most.", returncode=2)
        try:
            draft = draft_electronic(
                content=file.read_bytes(),
                file_name=file.name,
                vendor=_vendor(vendor) if vendor else None,
                engagement=_engagement(engagement) if engagement else None,
                actor=None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        except (ImportRefusedError, TrackerError) as error:
            raise CommandError(str(error), returncode=2) from error
        invoice = draft.invoice
        if given["json"]:
            told = {
                "number": invoice.number,
                "vendor": str(invoice.vendor),
                "total": str(invoice.total),
                "currency": invoice.currency,
                "lines": invoice.lines.count(),
                "notes": list(draft.notes),
            }
            self.stdout.write(json.dumps(told, indent=2))
            return
        self.stdout.write(
            f"Draft {invoice.number} of {invoice.vendor}: {invoice.total:,.2f}"
            f" {invoice.currency} in {invoice.lines.count()} lines."
        )
        for note in draft.notes:
            self.stdout.write(f"Note: {note}")


def _vendor(text: str) -> Vendor:
    found = (
        Vendor.objects.filter(external_id=text).first()
        or Vendor.objects.filter(legal_name__iexact=text).first()
    )
    if found is None:
        raise CommandError(f"There is no vendor {text}.", returncode=2)
    return found


def _engagement(text: str) -> Engagement:
    found = Engagement.objects.filter(reference__iexact=text).first()
    if found is None:
        raise CommandError(f"There is no engagement {text}.", returncode=2)
    return found
