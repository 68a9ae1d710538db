from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from allauth.idp.oidc.models import Token
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from tracker.api.models import ApiKey, ApiKeyQuerySet
from tracker.api.scopes import SCOPES
from tracker.api.services import KEY_BEGINS, digest_of

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

    from engagements.models import User

# "Last used" is told this coarsely, so that reading seldom costs a write.
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer etk_…`; the key is looked up anew for each request."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not self._is_ours(text):
            return None
        usable = ApiKey.objects.all().usable_at(timezone.now()).select_related("owner")
        try:
            api_key = self._find(usable, text)
        except (ApiKey.DoesNotExist, Token.DoesNotExist):
            raise AuthenticationFailed(
                "This key is unknown, expired or revoked, or its owner is inactive."
            ) from None
        self._note_use(api_key)
        return api_key.owner, api_key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

    def _is_ours(self, text: str) -> bool:
        return text.startswith(KEY_BEGINS)

    def _find(self, usable: ApiKeyQuerySet, text: str) -> ApiKey:
        return usable.get(digest=digest_of(text))

    def _note_use(self, api_key: ApiKey) -> None:
        now = timezone.now()
        stale = now - USE_NOTED_EVERY
        if api_key.last_used_at is None or api_key.last_used_at < stale:
            ApiKey.objects.filter(
                Q(last_used_at__isnull=True) | Q(last_used_at__lt=stale), pk=api_key.pk
            ).update(last_used_at=now)


class TokenAuthentication(ApiKeyAuthentication):
    """`Authorization: Bearer` with a token that a key was exchanged for (OAuth2)."""

    def _is_ours(self, text: str) -> bool:
        return not super()._is_ours(text)

    def _find(self, usable: ApiKeyQuerySet, text: str) -> ApiKey:
        """Return the key that the token stands for, with the token's scopes alone."""
        token = Token.objects.valid().by_value(text).get(type=Token.Type.ACCESS_TOKEN)
        api_key = usable.get(public_id=token.client_id)
        api_key.scopes = [one for one in token.get_scopes() if one in api_key.scopes]
        return api_key


class SessionReading(SessionAuthentication):
    """Lets staff who are logged in to the admin read, as the docs page does."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = getattr(request._request, "user", None)
        if request.method not in SAFE_METHODS:
            return None
        if user is None or not (user.is_active and user.is_staff):
            return None
        return user, None


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its registry is untyped
    target_class = "tracker.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `manage.py create_api_key`.",
        }


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its registry is untyped
    target_class = "tracker.api.authentication.TokenAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        flow = {"tokenUrl": "/oauth/token", "scopes": SCOPES}
        return {
            "type": "oauth2",
            "description": "A token for an hour: the key's client id is the client, and"
            " the key its secret.",
            "flows": {"clientCredentials": flow},
        }
