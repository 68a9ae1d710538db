import subprocess
import sys

import pytest

from config.env import BASE_DIR
from tests.processes import users_environment

KEY = "a-key-of-this-test-with-52-characters-and-no-meaning"


def manage(*arguments, data_dir, **environment):
    """Run manage.py as another process would: settings are read once per process."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=users_environment(DATA_DIR=str(data_dir), **environment),
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_pass_the_deployment_checks(tmp_path):
    done = manage(
        *("check", "--deploy", "--fail-level", "WARNING"),
        data_dir=tmp_path,
        TRACKER_ENV="production",
        SECRET_KEY=KEY,
        ALLOWED_HOSTS="tracker.example.org",
    )

    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"ALLOWED_HOSTS": "tracker.example.org"}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": KEY}, "ALLOWED_HOSTS must name"),
    ],
)
def test_production_refuses_to_start_without(tmp_path, given, missing):
    done = manage("check", data_dir=tmp_path, TRACKER_ENV="production", **given)

    assert done.returncode == 1
    assert done.stderr.startswith(missing)


def test_cookies_in_production_are_bound_to_the_host(tmp_path):
    names = (
        "DEBUG",
        "SESSION_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_NAME",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
    )
    program = (
        "from django.conf import settings;"
        f"print(*(getattr(settings, name) for name in {names!r}))"
    )

    done = manage(
        *("shell", "--no-imports", "-c", program),
        data_dir=tmp_path,
        TRACKER_ENV="production",
        SECRET_KEY=KEY,
        ALLOWED_HOSTS="tracker.example.org",
    )

    assert done.stdout == "False __Host-sessionid True __Host-csrftoken True True\n"


def test_debug_is_off_in_a_trial(tmp_path):
    done = manage(
        *("shell", "--no-imports", "-c"),
        "from django.conf import settings; print(settings.DEBUG)",
        data_dir=tmp_path,
    )

    assert done.stdout == "False\n"
