from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path

from tracker.dashboards import fit_views, views
from tracker.dashboards.levels import views as levels
from tracker.dashboards.topics import urls as topics
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
    path("service-levels/", levels.service_levels, name="service-levels"),
    path(
        "service-levels/windows/<uuid:public_id>/",
        levels.level_window,
        name="service-level-window",
    ),
    re_path(
        r"^service-levels/(?P<slug>[a-z-]+)\.(?P<extension>csv|xlsx)$",
        levels.level_file,
        name="service-levels-file",
    ),
    path(
        "service-levels/<slug:slug>/",
        levels.level_report,
        name="service-levels-report",
    ),
    *topics.urlpatterns,
    path("fit/", fit_views.fit, name="fit"),
    path("fit/what-if/", fit_views.what_if, name="what-if"),
    path("calendar/", include("tracker.notify.urls")),
    path("unsubscribe/<str:token>/", unsubscribe_page, name="unsubscribe"),
    path("logout/", LogoutView.as_view(next_page="admin:login"), name="logout"),
]
