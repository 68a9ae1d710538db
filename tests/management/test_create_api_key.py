from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from engagements.choices import Role
from tests.api.callers import client_with
from tests.factories import make_user
from tracker.api.models import ApiKey
from tracker.api.scopes import SCOPES

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_command_prints_a_key_that_works():
    make_user(Role.FINANCE, username="fay")

    out, err = run("--name=ERP", "--scopes=vendors:read, rates:read", "--owner=fay")

    key = out.strip()
    assert client_with(key).get("/api/v1/vendors").status_code == 200
    assert ApiKey.objects.get().scopes == ["rates:read", "vendors:read"]
    assert "ERP acts as fay" in err
    assert key not in err


def test_command_needs_no_more_than_scopes():
    make_user(Role.FINANCE)
    make_user(Role.ADMINISTRATOR, username="ada")

    out, err = run("--scopes", "vendors:read", "engagements:read")

    assert client_with(out.strip()).get("/api/v1/engagements").status_code == 200
    assert "acts as ada" in err


def test_command_asks_for_an_owner_where_nobody_administers():
    make_user(Role.FINANCE)

    with pytest.raises(CommandError, match="say with --owner whom the key acts as"):
        run("--scopes=vendors:read")


def test_command_takes_the_last_day(settings):
    settings.TIME_ZONE = "UTC"
    make_user(Role.FINANCE, username="fay")

    run("--name=ERP", "--scopes=vendors:read", "--owner=fay", "--expires=2027-03-31")

    assert ApiKey.objects.get().expires_at == datetime(2027, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--name=ERP", "--scopes=vendor:read", "--owner=fay"),
            f"Unknown: vendor:read. Choose from: {', '.join(SCOPES)}.",
        ),
        (
            ("--name=ERP", "--scopes=vendors:read", "--owner=nobody"),
            "There is no active user “nobody”.",
        ),
    ],
)
def test_command_says_what_is_wrong(arguments, message):
    make_user(Role.FINANCE, username="fay")

    with pytest.raises(CommandError) as refused:
        run(*arguments)

    assert str(refused.value) == message
    assert ApiKey.objects.count() == 0
