import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tracker.fit.services import trying
from tracker.fit.trial.measures import Hits
from tracker.fit.trial.portfolios import Scored
from tracker.fit.trial.table import Row, Table
from tracker.management.commands import evaluate_fit

FOUND = Table(
    rows=(Row("Exactness", "error", 1e-9, "1e-09", "≤ 1e-08", True),),
    baselines={"keep all": Scored(auc=0.5, hits=Hits(float("nan"), 0.0))},
    seconds=70.2,
)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_fit, "try_engine", lambda: FOUND)


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate_fit", *arguments, stdout=out)
    return out.getvalue()


def test_evaluation_is_printed_and_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert "error" in told("--page", str(page))
    assert "| error | 1e-09 | ≤ 1e-08 | reached |" in page.read_text(encoding="utf-8")


def test_evaluation_is_printed_as_json(tmp_path: Path) -> None:
    found = json.loads(told("--json", "--page", str(tmp_path / "page.md")))
    assert found["rows"][0]["is_reached"] is True
    assert found["baselines"]["keep all"]["hits"]["precision"] is None


def test_evaluation_names_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no folder"):
        told("--page", str(tmp_path / "none" / "page.md"))


def test_evaluation_tries_all_criteria_by_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[str] = []
    monkeypatch.setattr(
        trying, "tried", lambda book: codes.extend(r.code for r in book.rules)
    )
    trying.try_engine()
    assert len(codes) == 16
