from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from engagements.models import Event
from tests.factories import make_user
from tracker.api.models import ApiKey
from tracker.api.scopes import SCOPES
from tracker.api.services import KEY_FORMAT, create_api_key, revoke_api_key

pytestmark = pytest.mark.django_db


def make_key(**fields):
    values: dict[str, Any] = {
        "name": "Payroll",
        "scopes": ["vendors:read"],
        "owner": fields.get("owner") or make_user(),
        "actor": None,
    }
    return create_api_key(**(values | fields))


def test_create_api_key_keeps_only_the_digest():
    api_key, text = make_key()

    assert KEY_FORMAT.fullmatch(text)
    assert api_key.digest == sha256(text.encode()).hexdigest()
    assert api_key.prefix == text[:15]
    row = ApiKey.objects.filter(pk=api_key.pk).values().get()
    assert text[15:] not in repr(row)


def test_create_api_key_records_an_event_without_the_secret():
    actor = make_user()

    api_key, text = make_key(owner=actor, actor=actor)

    event = Event.objects.get(event_type="api_key.created")
    assert event.actor == actor
    assert event.changes == {
        "name": [None, "Payroll"],
        "prefix": [None, api_key.prefix],
        "scopes": [None, ["vendors:read"]],
        "owner": [None, actor.pk],
        "expires_at": [None, None],
    }
    assert text not in repr(event.changes)


def test_create_api_key_names_unknown_scopes_and_the_known_ones():
    with pytest.raises(ValidationError) as refused:
        make_key(scopes=["vendors:read", "vendor:read", "all"])

    assert refused.value.message_dict == {
        "scopes": [f"Unknown: all, vendor:read. Choose from: {', '.join(SCOPES)}."]
    }


def test_create_api_key_works_through_its_last_day(settings):
    settings.TIME_ZONE = "Europe/London"

    api_key, _text = make_key(expires_on=date(2026, 7, 31))

    assert api_key.expires_at is not None
    assert api_key.expires_at.astimezone(UTC) == datetime(2026, 7, 31, 23, tzinfo=UTC)


def test_create_api_key_takes_a_given_key_of_the_right_form():
    given = "etk_test_" + "Demo" * 10

    _api_key, text = make_key(key=given)

    assert text == given
    with pytest.raises(ValidationError):
        make_key(key="secret")


def test_revoke_api_key_ends_it_once():
    api_key, _text = make_key()

    first = revoke_api_key(api_key=api_key, actor=None)
    second = revoke_api_key(api_key=api_key, actor=None)

    assert first.revoked_at == second.revoked_at
    assert Event.objects.filter(event_type="api_key.revoked").count() == 1
