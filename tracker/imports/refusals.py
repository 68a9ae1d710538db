"""Refused lines as CSV, safe to open in a spreadsheet program."""

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tracker.imports.formulas import starts_formula


class Refusal(NamedTuple):
    line: int
    field: str
    reason: str
    advice: str
    raw: str


class _Echo:
    def write(self, text: str) -> str:
        return text


def without_formula(text: str) -> str:
    """Return the text with an apostrophe before what would run as a formula."""
    return f"'{text}" if starts_formula(text) else text


def refusals_as_csv(refusals: Iterable[Refusal]) -> Iterator[str]:
    """Yield the file row by row, beginning with a mark that says UTF-8 to Excel."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(("line", "field", "reason", "what to do", "found"))
    for refusal in refusals:
        texts = [without_formula(text) for text in refusal[1:]]
        yield writer.writerow((refusal.line, *texts))
