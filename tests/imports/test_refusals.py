import csv
import io

import pytest

from tracker.imports.refusals import Refusal, refusals_as_csv, without_formula


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "|cmd",
        "\tx",
        "\rx",
        " =1",
        "\uff1d1",
        "\u200b=1",
    ],
)
def test_text_that_would_run_is_made_text(text):
    assert without_formula(text) == f"'{text}"


def test_plain_text_stays():
    assert without_formula("PENNA PLC") == "PENNA PLC"


def test_refusals_can_be_read_back():
    refusal = Refusal(7, "amount", "is blank", "Give it.", '=cmd|"x"')

    text = "".join(refusals_as_csv([refusal]))

    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))) == [
        ["line", "field", "reason", "what to do", "found"],
        ["7", "amount", "is blank", "Give it.", '\'=cmd|"x"'],
    ]
