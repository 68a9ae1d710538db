from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from engagements.choices import Role
from tests.api.callers import client_for, client_with
from tests.factories import make_user
from tracker.api.models import ApiKey
from tracker.api.services import create_api_key, revoke_api_key

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
VENDORS = "/api/v1/vendors"


def make_key(owner, **fields):
    return create_api_key(
        name="Test", scopes=["vendors:read"], owner=owner, actor=owner, **fields
    )


def status_of(client):
    return client.get(VENDORS).status_code


def test_key_is_asked_for_when_none_is_given():
    response = client_with("").get(VENDORS)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer etk_test_x", "Bearer \x00é"],
)
def test_other_credentials_are_refused(header):
    response = Client().get(VENDORS, headers={"Authorization": header})

    assert response.status_code == 401


def test_revoked_key_ends_with_the_next_request(administrator):
    api_key, text = make_key(administrator)
    client = client_with(text)
    assert status_of(client) == 200

    revoke_api_key(api_key=api_key, actor=administrator)

    assert status_of(client) == 401


def test_key_of_a_deactivated_owner_ends_with_the_next_request(administrator):
    client = client_for(administrator, "vendors:read")
    assert status_of(client) == 200

    administrator.is_active = False
    administrator.save()

    assert status_of(client) == 401


def test_key_of_an_owner_without_the_role_ends_with_the_next_request(administrator):
    client = client_for(administrator, "vendors:read")
    assert status_of(client) == 200

    administrator.groups.clear()

    assert status_of(client) == 403


def test_key_expires_at_the_end_of_its_last_day(administrator):
    _api_key, text = make_key(administrator, expires_on=NOW.date())
    client = client_with(text)

    with time_machine.travel(datetime(2026, 3, 2, 23, 59, tzinfo=UTC), tick=False):
        assert status_of(client) == 200
    with time_machine.travel(datetime(2026, 3, 3, 0, 0, tzinfo=UTC), tick=False):
        assert status_of(client) == 401


def test_last_use_is_noted_once_a_minute(administrator):
    api_key, text = make_key(administrator)
    client = client_with(text)
    noted = []

    for seconds in (0, 59, 61):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            status_of(client)
        noted.append(ApiKey.objects.get(pk=api_key.pk).last_used_at)

    assert noted == [NOW, NOW, NOW + timedelta(seconds=61)]


def test_staff_who_are_logged_in_may_read_but_not_write():
    client = Client()
    client.force_login(make_user(Role.AUDITOR))

    assert client.get(VENDORS).status_code == 200
    written = client.put(
        f"{VENDORS}/by-external-id/x",
        {"legal_name": "X"},
        content_type="application/json",
    )
    assert written.status_code == 401


def test_session_of_somebody_outside_the_staff_is_no_way_in():
    outsider = make_user(Role.AUDITOR)
    outsider.is_staff = False
    outsider.save()
    client = Client()
    client.force_login(outsider)

    assert client.get(VENDORS).status_code == 401
