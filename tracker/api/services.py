import hashlib
import re
import secrets
import string
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from allauth.idp.oidc.models import Client, Token
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.models import User
from tracker.api.models import ApiKey
from tracker.api.scopes import SCOPES, unknown_scopes

ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH = 40
# "etk_live_" and the first characters of the secret: enough to tell keys apart.
PREFIX_LENGTH = 15
KEY_BEGINS = "etk_"
KEY_FORMAT = re.compile(r"etk_(live|test)_[0-9A-Za-z]{40}")


def digest_of(key: str) -> str:
    """Return what is stored of a key. Keys are random, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def create_api_key(
    *,
    name: str,
    scopes: Sequence[str],
    owner: User,
    expires_on: date | None = None,
    key: str | None = None,
    actor: User | None,
) -> tuple[ApiKey, str]:
    """Store a new key and return it with its text, which is kept nowhere.

    The key works through `expires_on`, its last day. `key` gives the text instead of
    drawing one, for a demo whose key is printed in its guide.
    Raises ValidationError by field.
    """
    _check_scopes(scopes)
    text = key or _draw_key()
    if not KEY_FORMAT.fullmatch(text):
        raise ValidationError({"key": _("A key looks like etk_test_ and 40 letters.")})
    api_key = ApiKey(
        name=name,
        prefix=text[:PREFIX_LENGTH],
        digest=digest_of(text),
        scopes=sorted(set(scopes)),
        owner=owner,
        expires_at=_end_of(expires_on) if expires_on else None,
    )
    api_key.full_clean()
    api_key.save()
    _let_exchange(api_key, text)
    events.record(
        event_type="api_key.created",
        subject=api_key,
        changes={
            "name": [None, name],
            "prefix": [None, api_key.prefix],
            "scopes": [None, api_key.scopes],
            "owner": [None, owner.pk],
            "expires_at": [None, events.plain(api_key.expires_at)],
        },
        actor=actor,
    )
    return api_key, text


@transaction.atomic
def revoke_api_key(*, api_key: ApiKey, actor: User | None) -> ApiKey:
    """End a key from the next request on; revoking it again changes nothing."""
    stored = ApiKey.objects.select_for_update().get(pk=api_key.pk)
    if stored.revoked_at is None:
        stored.revoked_at = timezone.now()
        stored.save(update_fields=["revoked_at"])
        # Its tokens go with it.
        Client.objects.filter(pk=stored.client_id).delete()
        events.record(
            event_type="api_key.revoked",
            subject=stored,
            changes={"revoked_at": [None, events.plain(stored.revoked_at)]},
            actor=actor,
        )
    api_key.revoked_at = stored.revoked_at
    return stored


def _let_exchange(api_key: ApiKey, text: str) -> None:
    """Let the key be exchanged for tokens, as a client of OAuth2 whose secret it is."""
    client = Client(
        pk=api_key.client_id,
        name=api_key.name[:100],
        owner=api_key.owner,
        grant_types=Client.GrantType.CLIENT_CREDENTIALS,
        response_types="",
    )
    client.set_secret(text)
    client.set_scopes(api_key.scopes)
    client.set_default_scopes(api_key.scopes)
    client.save()


def forget_tokens() -> int:
    """Delete the tokens that have expired; return how many."""
    deleted, _by_model = Token.objects.expired().delete()
    return int(deleted)


def _check_scopes(scopes: Sequence[str]) -> None:
    known = ", ".join(SCOPES)
    if unknown := unknown_scopes(scopes):
        raise ValidationError(
            {
                "scopes": _("Unknown: %(unknown)s. Choose from: %(known)s.")
                % {"unknown": ", ".join(unknown), "known": known}
            }
        )
    if not scopes:
        raise ValidationError(
            {"scopes": _("Give at least one of: %(known)s.") % {"known": known}}
        )


def _draw_key() -> str:
    kind = "live" if settings.ENVIRONMENT == "production" else "test"
    secret = "".join(secrets.choice(ALPHABET) for _place in range(SECRET_LENGTH))
    return f"etk_{kind}_{secret}"


def _end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
