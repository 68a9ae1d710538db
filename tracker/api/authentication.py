from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from tracker.api.models import ApiKey
from tracker.api.services import digest_of

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

    from engagements.models import User

# "Last used" is told this coarsely, so that reading seldom costs a write.
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer etk_…`; the key is looked up anew for each request."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        api_key = self._usable(text.strip())
        self._note_use(api_key)
        return api_key.owner, api_key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

    def _usable(self, text: str) -> ApiKey:
        try:
            return (
                ApiKey.objects.all()
                .usable_at(timezone.now())
                .select_related("owner")
                .get(digest=digest_of(text))
            )
        except ApiKey.DoesNotExist:
            raise AuthenticationFailed(
                "This key is unknown, expired or revoked, or its owner is inactive."
            ) from None

    def _note_use(self, api_key: ApiKey) -> None:
        now = timezone.now()
        stale = now - USE_NOTED_EVERY
        if api_key.last_used_at is None or api_key.last_used_at < stale:
            ApiKey.objects.filter(
                Q(last_used_at__isnull=True) | Q(last_used_at__lt=stale), pk=api_key.pk
            ).update(last_used_at=now)


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
