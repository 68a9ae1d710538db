import json
import subprocess
import sys

import pytest

from config.env import BASE_DIR
from tests.processes import users_environment

NAMES = ["EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "PUBLIC_URL"]
PRODUCTION = {
    "TRACKER_ENV": "production",
    "SECRET_KEY": "a-key-of-this-test-with-52-characters-and-no-meaning",
    "ALLOWED_HOSTS": "tracker.example.org",
}


def read_settings(tmp_path, **environment):
    program = (
        "import json; from config import settings;"
        f"print(json.dumps([getattr(settings, name) for name in {NAMES!r}]))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        env=users_environment(DATA_DIR=str(tmp_path), **environment),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["console", None, None, False, ""]),
        (PRODUCTION, ["smtp", "localhost", 25, False, ""]),
        (
            {
                "EMAIL_URL": "smtp+tls://mara:secret@mail.example.org:587",
                "PUBLIC_URL": "https://tracker.example.org/",
            },
            ["smtp", "mail.example.org", 587, True, "https://tracker.example.org"],
        ),
    ],
)
def test_mail_is_read_from_the_environment(tmp_path, environment, expected):
    done = read_settings(tmp_path, **environment)

    assert done.stderr == ""
    backend, *rest = json.loads(done.stdout)
    assert [backend.split(".")[-2], *rest] == expected


@pytest.mark.parametrize("address", ["mail.example.org", "post://mail.example.org"])
def test_wrong_address_of_the_mail_server_stops_the_start(tmp_path, address):
    done = read_settings(tmp_path, EMAIL_URL=address)

    assert done.returncode == 1
    assert done.stderr.startswith("EMAIL_URL must be such as smtp+tls://")
