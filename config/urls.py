from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("tracker.api.urls")),
]

# Below /api/ they answer in problem+json, elsewhere as Django does.
handler400 = "tracker.api.errors.bad_request"
handler404 = "tracker.api.errors.not_found"
handler500 = "tracker.api.errors.server_error"
