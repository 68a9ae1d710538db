from django.urls import path, re_path

from tracker.notify import views

urlpatterns = [
    path("", views.calendar, name="calendar"),
    path("renew/", views.renew, name="calendar-renew"),
    path("turn-off/", views.turn_off, name="calendar-turn-off"),
    re_path(r"^(?P<token>[A-Za-z0-9_-]{43})\.ics$", views.feed, name="calendar-feed"),
]
