from django.contrib import admin
from django.urls import include, path

from config.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/", include("tracker.api.urls")),
    path("", include("tracker.urls")),
]

# Below /api/ they answer in problem+json, elsewhere as Django does.
handler400 = "tracker.api.errors.bad_request"
handler404 = "tracker.api.errors.not_found"
handler500 = "tracker.api.errors.server_error"
