"""What django-axes and django-allauth keep, dressed as the rest of the admin."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client, Token
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest

from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.scope import for_everyone, narrowed_by

for model in (
    *(AccessAttempt, AccessFailureLog, AccessLog),
    *(
        Authenticator,
        Client,
        EmailAddress,
        SocialAccount,
        SocialApp,
        SocialToken,
        Token,
    ),
):
    try:
        admin.site.unregister(model)
    except NotRegistered:
        # Some are registered only where a setting asks for it.
        continue

narrowed_by(for_everyone, AccessAttempt, Authenticator, SocialAccount)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Deleting an attempt lets the person try again before the lock runs out."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "attempt_time",
                    "username",
                    "ip_address",
                    "user_agent",
                    "path_info",
                    "failures_since_start",
                )
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Deleting a person's lets them in by password alone: for who lost the phone."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    ordering = ("user__username", "type")
    fieldsets = ((None, {"fields": ("user", "type", "created_at", "last_used_at")}),)

    def has_delete_permission(
        self, request: HttpRequest, obj: Authenticator | None = None
    ) -> bool:
        return request.user.has_perm("mfa.delete_authenticator")


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    """Whom the identity provider knows as whom; deleting one unlinks the two."""

    list_display = ("user", "provider", "uid", "last_login", "date_joined")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "uid")
    ordering = ("user__username",)
    fieldsets = (
        (None, {"fields": ("user", "provider", "uid", "last_login", "date_joined")}),
    )

    def has_delete_permission(
        self, request: HttpRequest, obj: SocialAccount | None = None
    ) -> bool:
        return request.user.has_perm("socialaccount.delete_socialaccount")
