from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path

from tracker.dashboards import fit_views, views
from tracker.dashboards.levels import views as levels
from tracker.dashboards.saved import views as saved
from tracker.dashboards.topics import urls as topics
from tracker.notify.views import unsubscribe_page

app_name = "tracker"

urlpatterns = [
    path("", views.finance, name="finance"),
    path("overview.pdf", views.finance_paper_file, name="finance-paper"),
    re_path(
        r"^spend/(?P<slug>[a-z-]+)\.(?P<extension>csv|xlsx|pdf|svg|png)$",
        views.report_file,
        name="report-file",
    ),
    path("spend/", views.reports, name="reports"),
    path("spend/<slug:slug>/", views.report, name="report"),
    path("spend/<slug:slug>/card/", views.report_card, name="report-card"),
    path(
        "service-levels/windows/<uuid:public_id>/",
        levels.level_window,
        name="service-level-window",
    ),
    path("fit/what-if/", fit_views.what_if, name="what-if"),
    *topics.urlpatterns,
    path("saved/", saved.saved_pages, name="saved-pages"),
    path("saved/save/", saved.save, name="save-page"),
    path("saved/<uuid:public_id>/", saved.open_page, name="saved-page"),
    path("saved/<uuid:public_id>/change/", saved.change, name="change-saved-page"),
    path("saved/<uuid:public_id>/delete/", saved.delete, name="delete-saved-page"),
    path("saved/<uuid:public_id>/mail/", saved.mail, name="mail-saved-page"),
    path("saved/<uuid:public_id>/stop/", saved.stop, name="stop-saved-page"),
    path("calendar/", include("tracker.notify.urls")),
    path("unsubscribe/<str:token>/", unsubscribe_page, name="unsubscribe"),
    path("logout/", LogoutView.as_view(next_page="admin:login"), name="logout"),
]
