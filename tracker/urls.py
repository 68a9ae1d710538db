from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path

from tracker.dashboards import fit_views, views
from tracker.notify.views import unsubscribe_page

app_name = "tracker"

urlpatterns = [
    path("", views.finance, name="finance"),
    re_path(
        r"^spend/(?P<slug>[a-z-]+)\.(?P<extension>csv|xlsx)$",
        views.report_file,
        name="report-file",
    ),
    path("spend/<slug:slug>/", views.report, name="report"),
    path("fit/", fit_views.fit, name="fit"),
    path("fit/what-if/", fit_views.what_if, name="what-if"),
    path("calendar/", include("tracker.notify.urls")),
    path("unsubscribe/<str:token>/", unsubscribe_page, name="unsubscribe"),
    path("logout/", LogoutView.as_view(next_page="admin:login"), name="logout"),
]
