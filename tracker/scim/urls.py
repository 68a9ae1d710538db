from django.urls import path

from tracker.scim.views import scim

urlpatterns = [
    path("", scim, name="scim"),
    path("/<path:path>", scim, name="scim-path"),
]
