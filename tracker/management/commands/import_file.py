import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from engagements.errors import TrackerError
from tracker.imports.kinds import kind_names
from tracker.imports.problems import ImportRefusedError
from tracker.imports.services import apply_file, check_file, new_run


class Command(BaseCommand):
    help = (
        "Import a file: CSV, XLSX or JSON, told apart by content. With a refused line"
        " nothing is applied, unless --per-line. Exit code 1 when nothing was applied"
        " for that, 2 when the file can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=kind_names())
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="check and report; store nothing"
        )
        parser.add_argument(
            "--per-line",
            action="store_true",
            help="apply accepted lines despite others",
        )
        parser.add_argument("--json", action="store_true", help="report as JSON")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="take a field from this column; nothing after = for no column",
        )
        parser.add_argument(
            "--undated-on", default="", help="the day for lines without a date"
        )
        parser.add_argument(
            "--date-format", default="", help="how dates are written, as %%d/%%m/%%Y"
        )
        parser.add_argument(
            "--decimal-comma", action="store_true", help="1.234,50 is 1,234.50"
        )
        parser.add_argument(
            "--currency", default="", help="of lines that name none, such as GBP"
        )
        parser.add_argument(
            "--category-model",
            action="append",
            default=[],
            metavar="CATEGORY=MODEL",
            help="managed or augmented, by category or its code",
        )
        parser.add_argument(
            "--set",
            dest="benchmark_set",
            default="",
            help="the benchmark set of the rates; a new one needs the next three",
        )
        parser.add_argument("--year", default="", help="of which a set's prices are")
        parser.add_argument("--source", default="", help="where a set is from")
        parser.add_argument(
            "--licence", default="", help="under which a set may be used"
        )
        parser.add_argument(
            "--engagement",
            default="",
            help="the contract that lines which name none are about, by reference",
        )

    def handle(self, *, file: Path, kind: str, **given: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.", returncode=2)
        run = new_run(
            kind_name=kind,
            file_name=file.name,
            is_per_line=given["per_line"],
            corrections=_pairs(given["map"], "--map"),
            options={
                "undated_on": given["undated_on"],
                "date_format": given["date_format"],
                "decimal_comma": given["decimal_comma"],
                "currency": given["currency"],
                "engagement": given["engagement"],
                "benchmark_set": given["benchmark_set"],
                "year": given["year"],
                "source": given["source"],
                "licence": given["licence"],
                "category_models": _pairs(given["category_model"], "--category-model"),
            },
        )
        try:
            if given["dry_run"]:
                report = check_file(run=run, path=file)
            else:
                report = apply_file(run=run, path=file, actor=None)
        except (ImportRefusedError, TrackerError) as error:
            raise CommandError(str(error), returncode=2) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        if given["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for line in report.as_text():
                self.stdout.write(line)
        if not report.may_be_applied:
            raise SystemExit(1)


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals:
            raise CommandError(f"{option} “{text}”: write NAME=VALUE.", returncode=2)
        pairs[name.strip()] = value.strip()
    return pairs
