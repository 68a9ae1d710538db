"""Documents of the models name nothing that the code doesn't have."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("config", "engagements", "tracker", "tests")
FOLDERS = re.compile(r"(?:config|docs|engagements|tests|tracker)/[\w./-]+")
# Names with an underscore or several capitals: what reads like a word is none of ours.
NAMES = re.compile(r"\b[A-Za-z]\w*_\w+\b|\b[A-Z][a-z]+[A-Z]\w*\b")


@cache
def names_in_code() -> frozenset[str]:
    files = (file for folder in CODE for file in (ROOT / folder).rglob("*.py"))
    return frozenset(
        name for file in files for name in re.findall(r"\w+", file.read_text())
    )


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "models").glob("*.md")), ids=lambda page: page.stem
)
def test_document_of_a_model_names_only_what_exists(page: Path) -> None:
    quoted = re.findall(r"`([^`\n]+)`", page.read_text())

    paths = {path for text in quoted for path in FOLDERS.findall(text)}
    names = {
        name
        for text in quoted
        if not FOLDERS.search(text)
        for name in NAMES.findall(text)
    }

    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert names - names_in_code() == set()
