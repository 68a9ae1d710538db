"""Signing on by password and second step, by an identity provider, and by machines."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user
from django.test import override_settings
from django.utils import timezone

from config.env import identity_providers
from config.signon import MfaAdapter
from engagements.choices import Role
from tests.factories import make_user
from tracker.api.models import ApiKey
from tracker.api.services import create_api_key, forget_tokens, revoke_api_key

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough one"
LOGIN = "/admin/login/"
SET_UP = "/sign-on/second-step/totp/activate/"


@pytest.fixture
def person():
    user = make_user(Role.MANAGER, username="ada", email="ada@example.org")
    user.set_password(PASSWORD)
    user.save()
    return user


def give_password(client, **more):
    return client.post(
        f"{LOGIN}?next=/admin/", {"username": "ada", "password": PASSWORD, **more}
    )


def set_up_second_step(client) -> None:
    asked_again = client.get(SET_UP)["Location"]
    page = client.post(asked_again, {"password": PASSWORD}, follow=True)
    secret = page.context["form"].secret
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    done = client.post(SET_UP, {"code": code})
    assert done.status_code == 302, done.context["form"].errors


def test_password_alone_leads_where_one_was_going(client, person):
    answer = give_password(client)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert get_user(client) == person


def test_second_step_is_set_up_and_asked_for(client, person):
    give_password(client)
    set_up_second_step(client)
    client.cookies.clear()

    first = give_password(client)
    assert get_user(client).is_anonymous
    assert first["Location"] == "/sign-on/second-step/authenticate/"
    wrong = client.post(first["Location"], {"code": "000000"})
    assert (wrong.status_code, get_user(client).is_anonymous) == (200, True)

    # The code of this half minute is used up.
    recovery = Authenticator.objects.get(user=person, type="recovery_codes").wrap()
    answer = client.post(first["Location"], {"code": recovery.get_unused_codes()[0]})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert get_user(client) == person


def test_secret_of_the_second_step_is_not_stored_readably(client, person):
    give_password(client)
    set_up_second_step(client)

    stored = Authenticator.objects.get(user=person, type="totp").data["secret"]
    readable = MfaAdapter().decrypt(stored)

    assert len(readable) == 32
    assert readable not in stored


@override_settings(REQUIRE_SECOND_STEP=True)
def test_second_step_may_be_asked_of_everyone(client, person):
    give_password(client)

    assert client.get("/admin/")["Location"] == SET_UP
    set_up_second_step(client)
    assert client.get("/admin/").status_code == 200


def test_too_many_wrong_passwords_lock_out(client, person, settings):
    for _number in range(settings.AXES_FAILURE_LIMIT):
        client.post(LOGIN, {"username": "ada", "password": "wrong"})

    answer = give_password(client)

    assert answer.status_code == 429
    assert get_user(client).is_anonymous


def test_nobody_enters_themselves(client):
    for path in ("/sign-on/signup/", "/accounts/signup/", "/sign-on/email/"):
        assert client.get(path).status_code == 404


# By an identity provider


class Provider(ThreadingHTTPServer):
    """An OpenID Connect provider that lets in whom `person` describes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = rsa.generate_private_key(65537, 2048)
        self.person: dict[str, Any] = {}
        self.nonce = ""

    def answer(self, path: str) -> Any:
        match path:
            case "/.well-known/openid-configuration":
                places = {
                    f"{name}_endpoint": f"{self.issuer}/{name}"
                    for name in ("authorization", "token", "userinfo")
                }
                return {
                    "issuer": self.issuer,
                    "jwks_uri": f"{self.issuer}/jwks",
                    **places,
                }
            case "/jwks":
                public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())
                return {"keys": [json.loads(public) | {"kid": "1", "alg": "RS256"}]}
            case "/token":
                now = int(timezone.now().timestamp())
                claims = {
                    "iss": self.issuer,
                    "aud": "tracker",
                    "iat": now,
                    "exp": now + 60,
                    "nonce": self.nonce,
                    **self.person,
                }
                signed = jwt.encode(claims, self.key, "RS256", {"kid": "1"})
                return {
                    "access_token": "a",
                    "token_type": "Bearer",
                    "id_token": signed,
                }
            case "/userinfo":
                return self.person
        raise AssertionError(path)


class Answering(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        body = json.dumps(self.server.answer(urlsplit(self.path).path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(settings, monkeypatch) -> Iterator[Provider]:
    server = Provider()
    monkeypatch.setenv("OIDC_ISSUER", server.issuer)
    monkeypatch.setenv("OIDC_CLIENT_ID", "tracker")
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "s")
    monkeypatch.setenv("OIDC_NAME", "Wexmoor")
    settings.SOCIALACCOUNT_PROVIDERS = identity_providers()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def come_by(provider, client, **person):
    """Return where a person is led whom the provider let in."""
    provider.person = {"sub": "42", "email_verified": True, **person}
    away = client.post("/sign-on/oidc/sso/login/?next=/admin/")
    asked = parse_qs(urlsplit(away["Location"]).query)
    provider.nonce = asked.get("nonce", [""])[0]
    return client.get(
        "/sign-on/oidc/sso/login/callback/", {"code": "c", "state": asked["state"][0]}
    )


def test_page_offers_the_provider_and_may_lead_there(client, provider):
    page = client.get(LOGIN)

    assert "Sign on with Wexmoor" in page.text
    form_action = next(
        part.strip()
        for part in page["Content-Security-Policy"].split(";")
        if part.strip().startswith("form-action")
    )
    assert form_action == f"form-action 'self' {provider.issuer}"


def test_person_known_by_address_comes_in_and_is_known_by_id_then(
    client, provider, person
):
    first = come_by(provider, client, email="Ada@Example.org")
    assert (first.status_code, first["Location"]) == (302, "/admin/")
    assert get_user(client) == person
    client.logout()

    renamed = come_by(provider, client, email="ada.lovelace@example.org")

    assert renamed["Location"] == "/admin/"
    assert get_user(client) == person


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.org"},
        {"email": "ada@example.org", "email_verified": False},
    ],
)
def test_stranger_and_unverified_address_are_not_let_in(
    client, provider, person, claims
):
    answer = come_by(provider, client, **claims)
    page = client.get(answer["Location"]) if answer.status_code == 302 else answer

    assert "Nobody here by that address" in page.text
    assert get_user(client).is_anonymous


def test_leaver_is_not_let_in(client, provider, person):
    type(person).objects.filter(pk=person.pk).update(is_active=False)

    come_by(provider, client, email="ada@example.org")

    assert get_user(client).is_anonymous


def test_provider_alone_lets_in_where_passwords_are_off(
    client, provider, person, settings
):
    settings.SSO_ONLY = True

    refused = give_password(client)
    assert "passwords are turned off" in refused.text
    assert get_user(client).is_anonymous
    type(person).objects.filter(pk=person.pk).update(is_superuser=True)
    assert give_password(client)["Location"] == "/admin/"


def test_who_came_by_the_provider_needs_no_second_step_here(
    client, provider, person, settings
):
    settings.REQUIRE_SECOND_STEP = True

    come_by(provider, client, email="ada@example.org")

    assert client.get("/admin/").status_code == 200


# Machines


@pytest.fixture
def key(db):
    owner = make_user(Role.ADMINISTRATOR)
    return create_api_key(
        name="ERP",
        scopes=["vendors:read", "engagements:read"],
        owner=owner,
        actor=None,
    )


def token_for(client, api_key, secret, **more):
    pair = b64encode(f"{api_key.client_id}:{secret}".encode()).decode()
    return client.post(
        "/oauth/token",
        {"grant_type": "client_credentials", **more},
        headers={"Authorization": f"Basic {pair}"},
    )


def status_of(client, path, token) -> int:
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_key_is_exchanged_for_a_token_of_an_hour(client, key):
    answer = token_for(client, *key).json()

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert status_of(client, "vendors", answer["access_token"]) == 200
    assert status_of(client, "invoices", answer["access_token"]) == 403


def test_token_may_ask_for_less_than_its_key(client, key):
    token = token_for(client, *key, scope="vendors:read").json()["access_token"]

    assert status_of(client, "vendors", token) == 200
    assert status_of(client, "engagements", token) == 403


def test_token_for_more_than_the_key_is_refused(client, key):
    answer = token_for(client, *key, scope="vendors:write")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_wrong_secret_gets_no_token(client, key):
    answer = token_for(client, key[0], "etk_test_" + "x" * 40)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_token_ends_with_its_key_its_owner_and_its_hour(client, key):
    api_key, secret = key
    token = token_for(client, api_key, secret).json()["access_token"]
    owner = api_key.owner

    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert status_of(client, "vendors", token) == 401
        assert forget_tokens() == 1
    token = token_for(client, api_key, secret).json()["access_token"]
    type(owner).objects.filter(pk=owner.pk).update(is_active=False)
    assert status_of(client, "vendors", token) == 401
    type(owner).objects.filter(pk=owner.pk).update(is_active=True)
    revoke_api_key(api_key=api_key, actor=None)
    assert status_of(client, "vendors", token) == 401
    assert token_for(client, api_key, secret).status_code == 401


def test_revoked_token_is_refused(client, key):
    token = token_for(client, *key).json()["access_token"]
    pair = b64encode(f"{key[0].client_id}:{key[1]}".encode()).decode()

    client.post(
        "/oauth/revoke", {"token": token}, headers={"Authorization": f"Basic {pair}"}
    )

    assert status_of(client, "vendors", token) == 401
    assert ApiKey.objects.get().revoked_at is None
