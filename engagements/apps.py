from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.db.models.signals import post_migrate


class EngagementsConfig(AppConfig):
    name = "engagements"
    verbose_name = "Engagements"

    def ready(self) -> None:
        post_migrate.connect(_grant_roles, sender=self)


def _grant_roles(**kwargs: Any) -> None:
    from engagements.permissions import GRANTS, grant

    # A partial migration may stop before the permissions exist.
    if "event" in kwargs.get("apps", all_apps).all_models["engagements"]:
        grant(GRANTS, "engagements")
