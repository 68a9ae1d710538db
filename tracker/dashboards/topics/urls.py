"""The addresses of every topic: its page, its reports, their files."""

from collections.abc import Iterator

from django.urls import URLPattern, path, re_path

from tracker.dashboards.topics import views
from tracker.dashboards.topics.known import TOPICS
from tracker.dashboards.topics.page import Topic


def _addresses(topic: Topic) -> Iterator[URLPattern]:
    name, told = topic.name, {"topic": topic}
    yield path(f"{name}/", views.topic_page, told, name=name)
    yield path(f"{name}.pdf", views.topic_paper, told, name=f"{name}-paper")
    yield re_path(
        rf"^{name}/(?P<slug>[a-z-]+)\.(?P<extension>csv|xlsx|pdf|svg|png)$",
        views.topic_file,
        told,
        name=f"{name}-file",
    )
    yield path(f"{name}/<slug:slug>/", views.topic_report, told, name=f"{name}-report")


urlpatterns = [pattern for topic in TOPICS for pattern in _addresses(topic)]
