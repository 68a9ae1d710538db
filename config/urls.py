from allauth.idp.oidc import views as oauth
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from config.health import healthz, readyz
from config.language_choice import language_choice
from config.signon import SignIn

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("language/", language_choice, name="set_language"),
    # What scripts say, in the reader's language.
    path("texts.js", JavaScriptCatalog.as_view(packages=["tracker"]), name="texts"),
    # Before the admin's own, whose name it keeps.
    path("admin/login/", SignIn.as_view()),
    path("admin/", admin.site.urls),
    path("sign-on/", include("config.signon_urls")),
    path("oauth/token", oauth.token, name="oauth-token"),
    path("oauth/revoke", oauth.revoke, name="oauth-revoke"),
    path("api/", include("tracker.api.urls")),
    path("hris/", include("tracker.api.hris.urls")),
    path("scim/", include("tracker.scim.urls")),
    path("", include("tracker.urls")),
]

# Below /api/ and /hris/ they answer in problem+json, elsewhere as Django does.
handler400 = "tracker.api.errors.bad_request"
handler404 = "tracker.api.errors.not_found"
handler500 = "tracker.api.errors.server_error"
