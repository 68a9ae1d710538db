from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tracker.fit import criteria_page
from tracker.fit.criteria import all_criteria
from tracker.management.commands import criteria_docs


def test_page_of_criteria_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("criteria_docs", "--check")
    assert capsys.readouterr().out == "docs/criteria.md is up to date.\n"


def test_page_that_lags_behind_is_refused_and_then_written(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="is not up to date"):
        call_command("criteria_docs", "--check")
    assert list((tmp_path / "docs").iterdir()) == []
    call_command("criteria_docs")
    assert capsys.readouterr().out == "docs/criteria.md is written.\n"
    written = (tmp_path / criteria_docs.PAGE).read_text(encoding="utf-8")
    assert written == criteria_page.as_page(all_criteria())


def test_page_tells_what_a_criterion_declares() -> None:
    direction = next(c for c in all_criteria() if c.code == "direction")
    told = criteria_page.as_page([direction])
    assert "| [Who assigns the work](#direction) |" in told
    assert "| 1.5 | 85.0% |" in told
    assert "10 % → +1 · 50 % → +0 · 90 % → -1 (our judgement)" in told


def test_page_has_every_criterion_once() -> None:
    told = criteria_page.as_page(all_criteria())
    assert [told.count(f'<a id="{c.code}">') for c in all_criteria()] == [1] * 16
