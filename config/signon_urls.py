"""Below /sign-on/: just those of django-allauth's pages that people need here."""

from allauth.account import views as account
from allauth.socialaccount import views as provider
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path(
        "",
        RedirectView.as_view(pattern_name="admin:login", query_string=True),
        name="account_login",
    ),
    path("leave/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("again/", account.reauthenticate, name="account_reauthenticate"),
    path("second-step/", include("allauth.mfa.urls")),
    path(
        "provider/cancelled/",
        provider.login_cancelled,
        name="socialaccount_login_cancelled",
    ),
    path("provider/error/", provider.login_error, name="socialaccount_login_error"),
    path("provider/unknown/", provider.signup, name="socialaccount_signup"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
