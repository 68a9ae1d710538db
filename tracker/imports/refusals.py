"""Refused lines as CSV, safe to open in a spreadsheet program."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# What a spreadsheet takes for the start of a formula, or of another cell.
_LEADS = frozenset("=+-@|\t\r\n")


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
    visible = unicodedata.normalize("NFKC", text).lstrip(" \u200b\ufeff")
    return f"'{text}" if visible[:1] in _LEADS else text


def refusals_as_csv(refusals: Iterable[Refusal]) -> Iterator[str]:
    """Yield the file row by row, beginning with a mark that says UTF-8 to Excel."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(("line", "field", "reason", "what to do", "found"))
    for refusal in refusals:
        texts = [without_formula(text) for text in refusal[1:]]
        yield writer.writerow((refusal.line, *texts))
