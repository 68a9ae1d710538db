"""Others' libraries verify what a real receiver took: Python's and npm's."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from config.env import BASE_DIR
from engagements.choices import Role
from tests.api.test_schema import check
from tests.conformance.signatures import (
    Taken,
    has_npm,
    npm_verifies,
    python_verifies,
    verdict,
)
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
        Taken(secret=secret, body=got.body, headers=got.headers)
        for secret, got in [
            *((known[0], first), (known[0], second)),
            # With two signatures, whoever knows either secret is content.
            *((known[0], third), (known[1], third)),
        ]
    ]


def test_python_library_verifies(taken):
    found = verdict("Python", taken, python_verifies)

    assert (found.tried, found.failures) == (8, [])


@pytest.mark.skipif(
    not has_npm(), reason="npm's standardwebhooks: no node and npm here"
)
def test_npm_library_verifies(taken):
    found = verdict("npm", taken, npm_verifies)

    assert (found.tried, found.failures) == (8, [])


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
