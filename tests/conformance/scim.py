"""SCIM 2.0: scim2-cli's `scim2 test` and scim-sanity's probe in strict mode."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conformance.registry import Live, Verdict, Verdicts, conformance
from tests.processes import users_environment

PROGRAMS = Path(sys.executable).parent
STATUS = re.compile(r"^(SUCCESS|ERROR|CRITICAL|SKIPPED|ACCEPTABLE|DEVIATION)\b")
CONTRACT = "tests/scim/test_storage_contract.py"
SECONDS = 120


@conformance("scim")
def scim(live: Live, is_full: bool) -> Verdicts:
    root = f"{live.address}/scim/v2"
    key = live.key("people:write")
    yield scim2_test(root, key)
    yield scim_sanity(root, key)
    if is_full:
        yield storage_contract()


def scim2_test(root: str, key: str) -> Verdict:
    """Run `scim2 test`, which creates, changes, reads and deletes by our schemas."""
    done = subprocess.run(
        [PROGRAMS / "scim2", "--url", root, "test", "--verbose"],
        env=os.environ | {"SCIM_CLI_HEADERS": f"Authorization: Bearer {key}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    lines = done.stdout.splitlines()
    told = [line for line in lines if STATUS.match(line)]
    failed = [
        f"{line} {lines[number + 1].strip() if number + 1 < len(lines) else ''}"
        for number, line in enumerate(lines)
        if STATUS.match(line) and not line.startswith("SUCCESS")
    ]
    if done.returncode and not failed:
        failed = [done.stdout + done.stderr]
    return Verdict("scim2 test", len(told), failed)


def scim_sanity(root: str, key: str) -> Verdict:
    """Run scim-sanity's probe, whose strict mode forgives no deviation."""
    done = subprocess.run(
        [
            *(PROGRAMS / "scim-sanity", "probe", root, "--token", key),
            *("--strict", "--json-output", "--i-accept-side-effects"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    try:
        told = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        return Verdict("scim-sanity", 0, [done.stdout + done.stderr])
    failed = [
        f"{each['name']}: {each.get('message', '')}"
        for each in told
        if each["status"] not in ("pass", "skip")
    ]
    return Verdict("scim-sanity", len(told), failed)


def storage_contract() -> Verdict:
    """Run the rules that scim2-server holds a storage to; the suite has them too."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", CONTRACT],
        env=users_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=10 * SECONDS,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if done.returncode and not failed:
        failed = [done.stdout[-2000:]]
    return Verdict("storage contract", int(passed[1]) if passed else 0, failed)
