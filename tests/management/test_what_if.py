import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tracker.fit.criteria import all_criteria

pytestmark = pytest.mark.django_db

MANAGED = {
    "direction": 0.1,
    "manager_load": 1.1,
    "skills_breadth": 5,
    "skills_depth": 0.1,
    "measurability": 0.8,
    "permanence": 31,
    "core_work": 0.1,
    "performance": 0.1,
}
KEYS = {
    "verdict",
    "leaning",
    "acceptability",
    "coverage",
    "headline",
    "points",
    "missing",
    "counterfactuals",
}


def facts(**figures: float) -> dict[str, dict[str, float]]:
    return {code: {"value": figure} for code, figure in figures.items()}


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    def asked(given: Any, *options: str) -> str:
        path = tmp_path / "facts.json"
        path.write_text(given if isinstance(given, str) else json.dumps(given))
        out = StringIO()
        call_command("what_if", str(path), *options, stdout=out)
        return out.getvalue()

    return asked


def refused(ask: Any, given: Any) -> str:
    with pytest.raises(CommandError) as refusal:
        ask(given, "--json")
    assert refusal.value.returncode == 1
    return str(refusal.value)


def test_one_object_is_answered_with_one(ask: Any) -> None:
    given = {"id": "desk", "current_model": None, "facts": facts(**MANAGED)}
    told = json.loads(ask(given, "--json"))
    assert set(told) == KEYS | {"id", "blend", "parts"}
    assert (told["id"], told["verdict"], told["leaning"]) == (
        "desk",
        "managed_fits",
        "managed",
    )
    assert 0.85 < told["acceptability"] <= 1
    assert 0.4 < told["coverage"] < 1
    assert (told["blend"], told["parts"]) == (None, [])
    swings = [fact["swing_points"] for fact in told["missing"]]
    assert swings == sorted(swings, reverse=True)
    assert len(told["missing"]) + len(told["points"]) == 16


def test_a_list_is_answered_in_its_order(ask: Any) -> None:
    given = [
        {"id": 7, "current_model": "managed", "facts": facts(**MANAGED)},
        {"id": "b", "current_model": "augmented", "facts": facts(**MANAGED)},
        {"id": "c", "facts": {}},
    ]
    told = json.loads(ask(given, "--json"))
    assert [(one["id"], one["verdict"], one["leaning"]) for one in told] == [
        (7, "current_model_fits", "managed"),
        ("b", "other_model_fits", "managed"),
        ("c", "not_enough_evidence", None),
    ]


def test_parts_are_answered_with_the_same(ask: Any) -> None:
    parts = [
        {"name": "desk", "facts": facts(**MANAGED)},
        {"name": "pricing", "facts": facts(direction=0.9, core_work=0.9)},
    ]
    given = {"id": "x", "facts": {}, "parts": parts}
    told = json.loads(ask(given, "--json"))
    assert [set(part) for part in told["parts"]] == [KEYS | {"name"}] * 2
    assert [part["name"] for part in told["parts"]] == ["desk", "pricing"]


@pytest.mark.parametrize("code", sorted(c.code for c in all_criteria()))
def test_every_criterion_may_be_stated(ask: Any, code: str) -> None:
    value = 2 if code in ("in_house_team", "skills_breadth") else 0.2
    given = {"id": code, "facts": {code: {"value": value, "records": 24}}}
    told = json.loads(ask(given, "--json"))
    assert [point["code"] for point in told["points"]] == [code]
    assert told["verdict"] == "not_enough_evidence"
    assert len(told["missing"]) == 15


def test_same_facts_give_the_same_text(ask: Any) -> None:
    given = {"id": "desk", "facts": facts(**MANAGED)}
    assert ask(given, "--json") == ask(given, "--json")


def test_without_json_the_answer_is_told_in_words(ask: Any) -> None:
    first, second, *_rest = ask({"id": "desk", "facts": facts(**MANAGED)}).splitlines()
    assert first.startswith("desk: A managed service would fit much better: so say")
    assert second.endswith("of the evidence given")


def test_every_error_is_named_and_nothing_printed(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = [
        {"id": "good", "facts": facts(**MANAGED)},
        {
            "id": "bad",
            "current_model": "both",
            "facts": {
                "directon": {"value": 0.5},
                "direction": {"value": 1.5},
                "core_work": {"value": "high"},
                "coverage": {"value": True},
                "permanence": {"value": 12, "records": 0},
                "steadiness": {"value": 0.1, "records": 1.5},
                "skills_depth": 0.5,
                "scope_change": {"value": 0.1, "weight": 2},
                "manager_load": {"value": 10**400},
            },
            "part": [],
            "parts": [{"name": "", "facts": {}}, {"name": "a"}, {"name": "a"}, 3],
        },
        {"facts": []},
        {"id": "good"},
        "text",
    ]
    text = refused(ask, given)
    for problem in (
        'current_model is "both"',
        "[1]: unknown key “part”",
        "facts.directon: unknown criterion; known are core_work, coverage, direction",
        "facts.direction: 1.5 is out of range: between 0 and 1",
        'facts.core_work: value is "high"; give a number',
        "facts.coverage: value is true; give a number",
        "facts.permanence: 0 records are out of range",
        "facts.steadiness: records is 1.5; give a whole number",
        "facts.skills_depth: give an object with value, records",
        "facts.scope_change: unknown key “weight”",
        "facts.manager_load: value is out of range",
        'parts[0]: name is ""',
        "parts: name 'a' stands more than once",
        "parts[3]: give an object with name, facts",
        "[2]: id is null",
        "[2]: facts: give an object of criteria",
        "id 'good' stands more than once",
        "[4]: give an object with id, current_model, facts, parts",
    ):
        assert problem in text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"id": 1,', "This is no JSON: Expecting property name"),
        ("", "This is no JSON: Expecting value at line 1, column 1"),
        ('{"id": 1, "facts": {"direction": {"value": NaN}}}', "NaN is not a number"),
        ('{"id": 1, "facts": {"direction": {"value": 1e999}}}', "inf is out of range"),
        ('{"id": 1, "id": 2}', "“id” stands twice in one object"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "no JSON to judge by"),
        ("null", "the case: give an object"),
        ('{"id": "\\ud800", "facts": {}}', "give a whole number or a printable text"),
    ],
    ids=lambda text: text[:20],
)
def test_broken_documents_are_refused_by_name(
    ask: Any, text: str, problem: str
) -> None:
    assert problem in refused(ask, text)


def test_files_that_cannot_be_read_are_refused_by_name(tmp_path: Path) -> None:
    binary = tmp_path / "facts.bin"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, problem in (
        (tmp_path / "none.json", "can't be read: No such file"),
        (tmp_path, "can't be read: Is a directory"),
        (binary, "is not text in UTF-8"),
    ):
        with pytest.raises(CommandError, match=problem):
            call_command("what_if", str(path))


def test_an_empty_list_is_answered_with_one(ask: Any) -> None:
    assert json.loads(ask("[]", "--json")) == []
