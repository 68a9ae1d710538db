"""Every type of event that the code writes is told in words of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from engagements.admin.event_words import has_words, tell, words_for
from engagements.choices import ChecklistStage
from tracker.imports.models import RunState

ROOT = Path(__file__).parents[2]
TYPE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
# Permissions look like types of events.
PERMISSIONS = ("engagements.", "tracker.", "auth.")
# What is written with a part that is known only then, and all it can come to.
MADE_UP = {
    "engagement.{}": ["engagement.ended", "engagement.terminated"],
    "engagement.{}_started": [
        f"engagement.{stage}_started" for stage in ChecklistStage.values
    ],
    "import.{}": [
        f"import.{state}"
        for state in (RunState.CHECKED, RunState.APPLIED, RunState.REFUSED)
    ],
    "{}.exported": [
        f"{kind}.exported"
        for kind in ("vendors", "contractors", "engagements", "terms", "budgets")
    ],
    "contractor.{}": ["contractor.created", "contractor.changed"],
    # Told by the record's name and the verb, or the field.
    "{}.created": [],
    "{}.changed": [],
    "{}.deleted": [],
    "{}.{}_set": [],
}


def modules_that_write() -> Iterator[ast.Module]:
    for folder in ("engagements", "tracker"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            # The names that others know them by are told there, beside them.
            if "event_type" in text and path.name != "public_types.py":
                yield ast.parse(text)


def literals() -> set[str]:
    """Return what looks like a type of event where events are written."""
    found = {
        node.value
        for module in modules_that_write()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {
        text
        for text in found
        if TYPE.fullmatch(text) and not text.startswith(PERMISSIONS)
    }


def made_up() -> set[str]:
    return {
        "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}"
            for part in value.values
        )
        for module in modules_that_write()
        for node in ast.walk(module)
        if isinstance(node, ast.keyword) and node.arg == "event_type"
        for value in ast.walk(node.value)
        if isinstance(value, ast.JoinedStr)
    }


def test_every_type_written_anywhere_has_words():
    types = literals()

    assert len(types) > 60
    assert sorted(each for each in types if not has_words(each)) == []


def test_every_type_made_of_parts_has_words():
    assert made_up() == set(MADE_UP)
    types = [each for found in MADE_UP.values() for each in found]
    assert [each for each in types if not has_words(each)] == []


def test_type_that_nobody_named_is_told_by_its_parts():
    assert not has_words("engagement.painted_blue")
    assert words_for("engagement.painted_blue", "") == "Engagement: painted blue"


def test_type_is_named_once():
    with pytest.raises(ImproperlyConfigured, match=r"approval\.given is told already"):
        tell({"approval.given": "Agreed"})
