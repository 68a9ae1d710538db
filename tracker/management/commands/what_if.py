import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracker.fit.explanation import percent
from tracker.fit.facts_file import Asked, FactsError, read, told
from tracker.fit.services import scales, suppose

LARGEST_FILE_BYTES = 10 * 1024**2
SHOWN_MISSING = 3


class Command(BaseCommand):
    help = "Say which model would fit, from facts stated in a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "facts",
            metavar="FACTS.json",
            help="One object or a list: id, current_model, facts by criterion, parts.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the answers as JSON."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked = _asked(options["facts"])
        answered = suppose(works=[work for _name, work in asked.works])
        answers = [
            told(name, answer)
            for (name, _work), answer in zip(asked.works, answered, strict=True)
        ]
        if options["json"]:
            shown = answers if asked.is_list else answers[0]
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write("\n\n".join(_as_text(answer) for answer in answers))


def _asked(name: str) -> Asked:
    path = Path(name)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise CommandError(f"{name}: the file exceeds 10 MB; split it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name}: can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name}: is not text in UTF-8.") from error
    try:
        return read(text, scales())
    except FactsError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise CommandError(f"{name}: nothing was judged.\n{problems}") from error


def _as_text(answer: dict[str, Any]) -> str:
    lines = [f"{answer['id']}: {answer['headline']}", *_reasons(answer)]
    for part in answer["parts"]:
        lines += [f"  {part['name']}: {part['headline']}"]
    return "\n".join(lines)


def _reasons(answer: dict[str, Any]) -> list[str]:
    share, covered = percent(answer["acceptability"]), percent(answer["coverage"])
    lines = [f"  {share} for a managed service, {covered} of the evidence given"]
    lines += [
        f"  {point['points']:+6.1f}  {point['sentence']}" for point in answer["points"]
    ]
    lines += [
        f"  not given: {fact['label'].lower()}, up to {fact['swing_points']:.0f} points"
        for fact in answer["missing"][:SHOWN_MISSING]
    ]
    return lines + [f"  {change['sentence']}" for change in answer["counterfactuals"]]
