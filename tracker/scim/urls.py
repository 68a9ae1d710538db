from django.urls import path

from tracker.scim.views import scim

urlpatterns = [
    path("v2", scim, name="scim"),
    path("v2/", scim),
    path("v2/<path:path>", scim, name="scim-path"),
]
