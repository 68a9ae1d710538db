"""pytest plugin: writes down what a run exercised, for tests.run to add up."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

# Markers of tests that need something outside of Python.
NEEDS = ("folder_broker", "redis", "browser")


@dataclass
class Account:
    """One run over one database."""

    database: str = ""
    passed: int = 0
    failed: int = 0
    deselected: int = 0
    seconds: float = 0.0
    left_out: list[str] = field(default_factory=list)
    # Skipped by a library's own tests, as being about what its user doesn't serve.
    not_served: int = 0
    exercised: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Account":
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--account", type=Path, help="where to write the run's account")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    path: Path | None = config.getoption("--account")
    if path is None:
        return
    stats = terminalreporter.stats
    passed = stats.get("passed", [])
    skipped = stats.get("skipped", [])
    ours = [report for report in skipped if is_ours(report)]
    account = Account(
        passed=len(passed),
        failed=len(stats.get("failed", [])) + len(stats.get("error", [])),
        deselected=len(stats.get("deselected", [])),
        left_out=[skip_reason(report) for report in ours],
        not_served=len(skipped) - len(ours),
        exercised=[
            need for need in NEEDS if any(need in report.keywords for report in passed)
        ],
    )
    path.write_text(json.dumps(asdict(account)))


def is_ours(report: pytest.TestReport) -> bool:
    """Say whether the test skips itself, rather than the library it is taken from."""
    # A skip is told as (path, line, text).
    told = report.longrepr
    return not (isinstance(told, tuple) and "site-packages" in Path(told[0]).parts)


def skip_reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else "no reason"
    return text.removeprefix("Skipped: ")
