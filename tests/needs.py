"""What some tests need from outside of Python, and what happens without it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SHARED_DATA = Path(
    os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
)


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def leave_out(reason: str) -> None:
    """Skip the test on a developer's machine; fail it in CI, where all must run."""
    if is_ci():
        pytest.fail(f"In CI nothing may be left out: {reason}", pytrace=False)
    pytest.skip(reason)


def why_no_browser() -> str:
    return "" if CHROMIUM.exists() else f"browser tests: no Chromium at {CHROMIUM}"


def why_no_redis() -> str:
    return "" if shutil.which("redis-server") else "Redis tests: no redis-server here"


def why_no_shared_data() -> str:
    if SHARED_DATA.is_dir():
        return ""
    return f"tests on real files: no folder {SHARED_DATA} (or name it by SHARED_DATA)"


def version_of(*command: str) -> str:
    """Return the first line a program says of itself."""
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()[0].strip()
