"""Others' libraries verify what a real receiver took: Python's and npm's."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.conformance.feed import ENDPOINTS, V1, Caller
from tests.conformance.registry import Live, Verdict, Verdicts, conformance
from tests.management.product import eventually
from tests.webhooks.receivers import Receiver, answers, receiving

NPM = Path(__file__).with_name("npm")
PATIENCE = 120  # seconds, for a worker, or a registry


class Taken(TypedDict):
    """A message as it came, and a secret that the receiver knows."""

    secret: str
    body: str
    headers: dict[str, str]


@conformance("webhooks")
def webhooks(live: Live, is_full: bool) -> Verdicts:
    caller = Caller(live.address, live.key("webhooks:write", "events:read"))
    with receiving(answers(204)) as receiver:
        taken = deliveries(caller, receiver)
    yield verdict("standardwebhooks (Python)", taken, python_verifies)
    if has_npm():
        yield verdict("standardwebhooks (npm)", taken, npm_verifies)
    else:
        why = "no node and npm here"
        yield Verdict("standardwebhooks (npm)", 0, [], left_out=why)


def deliveries(caller: Caller, receiver: Receiver) -> list[Taken]:
    """Have two messages sent; the second bears two signatures, of either secret."""
    endpoint = {"name": "C", "url": receiver.url, "event_types": ["vendor.created"]}
    made = caller.send("POST", ENDPOINTS, json=endpoint) or {}
    address = f"{ENDPOINTS}/{made['id']}"
    send_test(caller, address, receiver, count=1)
    rotated = caller.send("POST", f"{address}/rotate-secret", json={}) or {}
    send_test(caller, address, receiver, count=2)
    first, second = receiver.got
    return [
        Taken(secret=secret, body=got.body, headers=got.headers)
        for secret, got in [
            *((made["secret"], first), (made["secret"], second)),
            (rotated["secret"], second),
        ]
    ]


def send_test(caller: Caller, address: str, receiver: Receiver, *, count: int) -> None:
    sent = caller.send("POST", f"{address}/test", json={}) or {}
    delivery = f"{V1}/webhook-deliveries/{sent['id']}"

    def is_delivered() -> bool:
        found = caller.send("GET", delivery) or {}
        return found["state"] == "delivered" and len(receiver.got) == count

    assert eventually(is_delivered, seconds=PATIENCE), caller.send("GET", delivery)


def verdict(
    tool: str, taken: list[Taken], verify: Callable[[list[Taken]], list[bool]]
) -> Verdict:
    """Ask for each message as it came, and with one character of it another."""
    spoiled = [
        Taken(
            secret=each["secret"],
            body=each["body"].replace("{", "[", 1),
            headers=each["headers"],
        )
        for each in taken
    ]
    said = verify([*taken, *spoiled])
    wanted = [True] * len(taken) + [False] * len(spoiled)
    failures = [] if said == wanted else [f"said {said}, where {wanted} is right"]
    return Verdict(tool, len(said), failures)


def python_verifies(messages: list[Taken]) -> list[bool]:
    return [verifies(**each) for each in messages]


def verifies(*, secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def has_npm() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


def npm_verifies(messages: list[Taken]) -> list[bool]:
    with tempfile.TemporaryDirectory(prefix="npm-") as name:
        folder = Path(shutil.copytree(NPM, Path(name) / "npm"))
        install = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        run(*install, folder=folder)
        said = run("node", "verify.mjs", folder=folder, given=json.dumps(messages))
    found: list[bool] = json.loads(said)
    return found


def run(*command: str, folder: Path, given: str = "") -> str:
    return subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout
