import pytest

from tracker.imports.formulas import starts_formula, with_mark, without_mark


@pytest.mark.parametrize(
    "text", ["=1", "+44", "-1", "@x", "|x", "\t=1", "\uff1d1", "\u200b=1", " =1"]
)
def test_what_a_spreadsheet_runs_is_told_and_marked(text):
    assert starts_formula(text)
    assert with_mark(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Acme", "'Acme", "1-2", "O'Neill"])
def test_plain_text_stays(text):
    assert with_mark(text) == text
    assert without_mark(text) == text


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'Acme", "Acme", "'"])
def test_marked_text_is_read_back_as_it_was(text):
    assert without_mark(with_mark(text)) == text
