from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from config.health import healthz, readyz
from config.language_choice import language_choice

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("language/", language_choice, name="set_language"),
    # What scripts say, in the reader's language.
    path("texts.js", JavaScriptCatalog.as_view(packages=["tracker"]), name="texts"),
    path("admin/", admin.site.urls),
    path("api/", include("tracker.api.urls")),
    path("", include("tracker.urls")),
]

# Below /api/ they answer in problem+json, elsewhere as Django does.
handler400 = "tracker.api.errors.bad_request"
handler404 = "tracker.api.errors.not_found"
handler500 = "tracker.api.errors.server_error"
