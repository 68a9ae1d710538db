"""Others' libraries verify what a real receiver took: Python's and npm's."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from config.env import BASE_DIR
from engagements.choices import Role
from tests.api.test_schema import check
from tests.factories import make_user, make_vendor
from tests.management.product import eventually
from tests.webhooks.endpoints import make_endpoint
from tests.webhooks.receivers import answers, receiving
from tracker.webhooks.services import (
    deliver_due,
    publish_events,
    rotate_secret,
    send_test,
)
from tracker.webhooks.signing import secret_of

pytestmark = pytest.mark.django_db

NPM = Path(__file__).parent / "npm"
PATIENCE = 120  # seconds, for a registry


@pytest.fixture
def taken(settings):
    """Messages as they came, each with the secret the receiver knows."""
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    owner = make_user(Role.ADMINISTRATOR)
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(owner, receiver.url)
        known = [secret_of(endpoint.secret_seed)]
        make_vendor(legal_name="Ünïcødé & “quotes” Ltd")
        send_test(endpoint=endpoint, actor=owner)
        publish_events()
        deliver_due()
        known.append(rotate_secret(endpoint=endpoint, actor=owner))
        make_vendor()
        publish_events()
        deliver_due()
    first, second, third = receiver.got
    return [
        {"secret": secret, "body": got.body, "headers": got.headers}
        for secret, got in [
            *((known[0], first), (known[0], second)),
            # With two signatures, whoever knows either secret is content.
            *((known[0], third), (known[1], third)),
        ]
    ]


def test_python_library_verifies(taken):
    for each in taken:
        verifier = Webhook(each["secret"])
        assert verifier.verify(each["body"], each["headers"]) == json.loads(
            each["body"]
        )
        with pytest.raises(WebhookVerificationError):
            verifier.verify(each["body"].replace("{", "["), each["headers"])


@pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")),
    reason="npm's standardwebhooks: no node and npm here",
)
def test_npm_library_verifies(taken, tmp_path):
    folder = shutil.copytree(NPM, tmp_path / "npm")
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)

    told = run("node", "verify.mjs", folder=folder, given=json.dumps(taken))

    assert json.loads(told) == [[True] * 4, [False] * 4]


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


def test_receiver_of_the_guide_takes_what_is_sent(settings, tmp_path, free_port):
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    guide = (BASE_DIR / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    endpoint = make_endpoint(
        make_user(Role.ADMINISTRATOR), f"http://127.0.0.1:{free_port}/"
    )
    vendor = make_vendor()
    publish_events()

    receiver = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ
        | {"WEBHOOK_SECRET": secret_of(endpoint.secret_seed), "PORT": str(free_port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert eventually(lambda: is_listening(free_port), seconds=30)
        assert deliver_due().delivered == 1
    finally:
        receiver.terminate()
        said, _errors = receiver.communicate(timeout=30)

    assert said == f"vendor.created {vendor.public_id}\n"


def test_body_of_the_guide_fits_the_schema():
    guide = (BASE_DIR / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"-d '(\{\n.*?\})'", guide, flags=re.DOTALL)

    check("EndpointNewRequest", json.loads(body))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
