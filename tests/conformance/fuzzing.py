"""Schemathesis with all its checks, for each role, fed with what the role can see."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engagements.choices import Role
from tests.conformance.feed import Caller, Feed, Schema, Working, published_schema
from tests.conformance.registry import Live, Verdict, Verdicts, conformance
from tests.webhooks.receivers import answers, receiving
from tracker.api.scopes import SCOPES

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SEED = 8
# Of the generated addresses, so many name a record that is there.
SHARE_OF_KNOWN = 0.7
LONGEST = 4 * 60 * 60  # seconds

Operation = tuple[str, str]


@dataclass(frozen=True)
class Size:
    phases: str
    examples: int  # generated for each operation in each phase


FULL = Size("examples,coverage,fuzzing,stateful", 16)
SMALL = Size("examples,fuzzing", 1)
SMALL_ROLES = (Role.MANAGER, Role.ADMINISTRATOR)


@dataclass
class Told:
    """What a run of schemathesis says of itself."""

    statuses: dict[str, Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(found.total() for found in self.statuses.values())


@conformance("schemathesis", writes_much=True)
def schemathesis(live: Live, is_full: bool) -> Verdicts:
    with receiving(answers(204)) as receiver:
        for role in Role if is_full else SMALL_ROLES:
            yield fuzz(live, role, FULL if is_full else SMALL, receiver.url)


def fuzz(live: Live, role: Role, size: Size, receiver: str = "") -> Verdict:
    """Send what fits the schema and what doesn't, as one who has the role."""
    key = live.key(*SCOPES, role=role)
    schema = published_schema(live.address)
    caller = Caller(live.address, key)
    feed = Feed(caller, schema, mark=f"C-{role.name}", receiver=receiver)
    with tempfile.TemporaryDirectory(prefix="schemathesis-") as name:
        folder = Path(name)
        (folder / "openapi.json").write_text(json.dumps(fed(schema, feed)))
        (folder / "schemathesis.toml").write_text(configuration(schema, feed))
        told = run(folder, live.address, key, size)
    # What the role may do, has to work at least once.
    idle = [
        f"{method.upper()} {path} was never answered by 2xx, only {dict(found)}"
        for (method, path), found in by_operation(schema, told).items()
        if not any(200 <= status < 300 for status in found)
        and not is_forbidden(role, method, path)
    ]
    return Verdict(f"schemathesis as {role.label}", told.cases, [*told.failures, *idle])


def by_operation(schema: Schema, told: Told) -> dict[Operation, Counter[int]]:
    return {
        (method, path): told.statuses[f"{method.upper()} {path}"]
        for path, methods in schema["paths"].items()
        for method in methods
    }


def is_forbidden(role: Role, method: str, path: str) -> bool:
    """Tell whether the suite's table says that the role may not do this at all."""
    # Django has to be set up for it.
    from tests.api.test_matrix import EXPECTED, ROLES

    return EXPECTED[method, path][ROLES.index(role)] == 403


def fed(schema: Schema, feed: Feed) -> Schema:
    """Return the schema with a working request of each operation as its example."""
    copy: Schema = json.loads(json.dumps(schema))
    for path, methods in copy["paths"].items():
        for method, operation in methods.items():
            working = feed.working(method, path)
            add_examples(
                operation, {**working.path, **working.query, **working.headers}
            )
            add_body(operation, working)
    return copy


def add_examples(operation: Schema, values: dict[str, str]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in values:
            parameter["example"] = values[parameter["name"]]


def add_body(operation: Schema, working: Working) -> None:
    content = operation.get("requestBody", {}).get("content", {})
    if working.media_type in content:
        content[working.media_type]["example"] = working.body


def configuration(schema: Schema, feed: Feed) -> str:
    """Return the settings of all runs, and for each address what may stand in it."""
    lines = [CONFIGURATION.read_text()]
    for path, methods in schema["paths"].items():
        for name, known in feed.addresses(path).items():
            if not known:
                continue
            title = f"{name} {path}"
            lines += [
                f"[dictionaries.{json.dumps(title)}]",
                f"values = {json.dumps(known)}",
                *(
                    line
                    for operation in methods.values()
                    for line in bound(operation["operationId"], name, title)
                ),
            ]
    return "\n".join(lines)


def bound(operation: str, parameter: str, dictionary: str) -> list[str]:
    return [
        "[[operations]]",
        f"include-operation-id = {json.dumps(operation)}",
        f"[operations.parameters.{json.dumps(f'path.{parameter}')}]",
        f"dictionary = {json.dumps(dictionary)}",
        f"probability = {SHARE_OF_KNOWN}",
    ]


def run(folder: Path, address: str, key: str, size: Size) -> Told:
    report = folder / "told.ndjson"
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", folder / "schemathesis.toml", "run"),
            *(folder / "openapi.json", "--url", address, "--no-color"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--phases", size.phases, "--max-examples", str(size.examples)),
            *("--seed", str(SEED), "--continue-on-failure"),
            *("--generation-database", "none"),
            *("--report", "ndjson", "--report-ndjson-path", report),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    told = read(report)
    if done.returncode and not told.failures:
        told.failures.append(done.stdout[-4000:] + done.stderr[-1000:])
    return told


def read(report: Path) -> Told:
    told = Told()
    if not report.exists():
        return told
    with report.open() as lines:
        for line in lines:
            ((kind, event),) = json.loads(line).items()
            if kind == "ScenarioFinished":
                read_scenario(event["recorder"], told)
    return told


def read_scenario(recorder: dict[str, Any], told: Told) -> None:
    # What was skipped or could not be sent has none.
    interactions = recorder.get("interactions", {})
    for case, found in recorder.get("cases", {}).items():
        answer = (interactions.get(case) or {}).get("response")
        if answer:
            asked = found["value"]
            told.statuses[f"{asked['method']} {asked['path']}"][
                answer["status_code"]
            ] += 1
        told.failures += failures(
            recorder.get("checks", {}).get(case, []), interactions.get(case)
        )


def failures(checks: list[dict[str, Any]], interaction: Any) -> Iterator[str]:
    for check in checks:
        if check["status"] == "failure":
            asked = interaction["request"]
            failure = check["failure_info"]["failure"]
            yield (
                f"{check['name']}: {failure['title']}: {failure['message'][:600]}"
                f" | {asked['method']} {asked['uri'][:300]} {asked.get('body', '')}"
                f" -> {interaction['response']['status_code']}"
            )
