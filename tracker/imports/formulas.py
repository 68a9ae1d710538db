"""Text that a spreadsheet would run: told apart, marked on the way out, read back."""

import unicodedata

# What a spreadsheet takes for the start of a formula, or of another cell.
FORMULA_STARTS = frozenset("=+-@|\t\r\n")
# Never drawn, so that a formula may hide behind them.
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
_MARK = "'"


def starts_formula(text: str) -> bool:
    for character in unicodedata.normalize("NFKC", text):
        if character in FORMULA_STARTS:
            return True
        if unicodedata.category(character) not in _INVISIBLE:
            return False
    return False


def with_mark(text: str) -> str:
    """Return the text safe to open; `without_mark` gives back just what it was."""
    return f"{_MARK}{text}" if starts_formula(text.lstrip(_MARK)) else text


def without_mark(text: str) -> str:
    if text.startswith(_MARK) and starts_formula(text.lstrip(_MARK)):
        return text.removeprefix(_MARK)
    return text
