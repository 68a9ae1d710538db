"""How people sign on: by password, by the organisation's identity provider, and with
a second step where they or the operator want one.

django-allauth does the work; these are the places where it asks.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.translation import gettext as _

from tracker.dashboards.landing import landing_page

SIGN_ON_PATH = "/sign-on/"
GetResponse = Callable[[HttpRequest], HttpResponse]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """People are entered by an administrator or an identity tool, never by themselves.

    No messages either: that one has logged in can be seen.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        return

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return where to lead who asked for no page, however they signed on."""
        return landing_page(request.user)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth has no types
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Let the provider vouch for an address of ours: there is just the one."""
        return True


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth has no types
    """Keeps the secrets of authenticator apps encrypted under the product's key."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> MultiFernet:
    keys = map(force_str, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"mfa {key}".encode()).digest()))
        for key in keys
    )


def identity_provider() -> dict[str, Any] | None:
    """Return the provider that people may sign on with; None where there is none."""
    apps: list[dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS.get(
        "openid_connect", {}
    ).get("APPS", [])
    return apps[0] if apps else None


def provider_origin() -> list[str]:
    """Return where the form of the sign-on page leads, for the page's policy."""
    provider = identity_provider()
    if provider is None:
        return []
    address = urlsplit(provider["settings"]["server_url"])
    return [f"{address.scheme}://{address.netloc}"]


class SignIn(LoginView):
    """The admin's own login form; who has a second step is asked for it next."""

    template_name = "signon/login.html"
    redirect_authenticated_user = False

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        # Browsers hold a form to the policy even where it is led on elsewhere.
        allowed = {"form-action": [SELF, *provider_origin()]}
        return csp_replace(allowed)(super().dispatch)(*args, **kwargs)

    def get_form_class(self) -> type[AuthenticationForm]:
        return admin.site.login_form or AuthenticationForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **admin.site.each_context(self.request),
            title=_("Log in"),
            app_path=self.request.get_full_path(),
            username=self.request.user.get_username(),
            identity_provider=identity_provider(),
            takes_passwords=not settings.SSO_ONLY,
            **kwargs,
        )

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if settings.SSO_ONLY and not user.is_superuser:
            form.add_error(None, _("Use the button above: passwords are turned off."))
            return self.form_invalid(form)
        record_authentication(self.request, user, "password")
        answer: HttpResponse = perform_login(
            self.request,
            user,
            email_verification="none",
            # Without one the adapter tells, once it is known who it is.
            redirect_url=self.get_redirect_url() or None,
        )
        return answer


class SecondStepMiddleware:
    """Where a second step is asked of everyone, leads who has none to set it up.

    Who came by the identity provider has done there what the organisation asks.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_SECOND_STEP and self._lacks_it(request):
            messages.info(request, _("Set up a second step of signing on first."))
            return redirect("mfa_activate_totp")
        return self.get_response(request)

    def _lacks_it(self, request: HttpRequest) -> bool:
        if not request.user.is_authenticated or request.path.startswith(
            (SIGN_ON_PATH, reverse("tracker:logout"), "/api/", settings.STATIC_URL)
        ):
            return False
        came_by_provider = any(
            record["method"] == "socialaccount"
            for record in request.session.get("account_authentication_methods", [])
        )
        return not (came_by_provider or is_mfa_enabled(request.user))
