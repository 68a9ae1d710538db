from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.account import Account, is_ours
from tests.run import closing_line, summary, told


def account(**fields):
    return replace(Account("SQLite 3.45", passed=10, seconds=4.4), **fields)


def test_told_names_what_happened_on_one_database():
    assert told(account()) == "SQLite 3.45: 10 passed in 4 s"
    assert (
        told(account(failed=1, left_out=["no Chromium"], deselected=2))
        == "SQLite 3.45: 10 passed, 1 failed, 1 left out, 2 not about it in 4 s"
    )


def test_summary_says_what_was_left_out_and_why():
    runs = [account(left_out=["no Chromium"] * 2), account(left_out=["no Chromium"])]

    lines = summary(runs, seconds=10)

    assert lines == [
        "",
        "What was exercised",
        "  SQLite 3.45: 10 passed, 2 left out in 4 s",
        "  SQLite 3.45: 10 passed, 1 left out in 4 s",
        "  Broker: none",
        "  Browser: none",
        "Left out",
        "  3 of the tests: no Chromium",
        " 20 passed, 3 skipped in 10.00s ".center(80, "="),
    ]


def test_summary_of_a_full_run_leaves_nothing_out():
    lines = summary([account(exercised=["folder_broker"])], seconds=5)

    assert lines[3:] == [
        "  Broker: files in a folder",
        "  Browser: none",
        "Left out: nothing",
        " 10 passed in 5.00s ".center(80, "="),
    ]


def test_closing_line_puts_failures_first():
    line = closing_line([account(failed=2), account()], seconds=1.5)

    assert line == " 2 failed, 20 passed in 1.50s ".center(80, "=")


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        ("tests/needs.py", True),
        (".venv/lib/python3.11/site-packages/scim2_server/testing.py", False),
    ],
)
def test_only_our_own_skips_leave_something_out(path, is_told):
    report = SimpleNamespace(longrepr=(path, 1, "Skipped: why"))

    assert is_ours(report) is is_told
    assert told(account(not_served=2)) == (
        "SQLite 3.45: 10 passed, 2 of others about what we don't serve in 4 s"
    )
