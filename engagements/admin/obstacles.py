"""What keeps an engagement open, with the way to each of it."""

from dataclasses import dataclass
from datetime import date

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.models import Engagement, User
from engagements.services.closing import Closing, Obstacle, closing_obstacles


@dataclass(frozen=True)
class ShownObstacle:
    sentence: str
    url: str
    link_text: str


def shown_obstacles(
    engagement: Engagement, user: User, today: date
) -> list[ShownObstacle]:
    """Return what would keep it from being closed today, as the user may see it."""
    last_day = min(today, engagement.term_ends_on or today)
    closing = Closing(engagement, last_day=last_day, reader=user)
    return [
        _shown(obstacle, engagement, user) for obstacle in closing_obstacles(closing)
    ]


def _shown(obstacle: Obstacle, engagement: Engagement, user: User) -> ShownObstacle:
    if obstacle.record is not None and _may(user, "view", type(obstacle.record)):
        name = _page_of(type(obstacle.record), "change")
        url = reverse(name, args=[obstacle.record.pk])
        return ShownObstacle(obstacle.sentence, url, _("Show"))
    if obstacle.remedy is not None and _may(user, "add", obstacle.remedy):
        url = reverse(_page_of(obstacle.remedy, "add"))
        return ShownObstacle(
            obstacle.sentence,
            f"{url}?engagement={engagement.pk}",
            _("Confirm that none will come"),
        )
    return ShownObstacle(obstacle.sentence, "", "")


def _may(user: User, verb: str, model: type[models.Model]) -> bool:
    meta = model._meta
    return admin.site.is_registered(model) and user.has_perm(
        f"{meta.app_label}.{verb}_{meta.model_name}"
    )


def _page_of(model: type[models.Model], page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
