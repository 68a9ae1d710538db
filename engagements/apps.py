from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EngagementsConfig(AppConfig):
    name = "engagements"
    verbose_name = "Engagements"

    def ready(self) -> None:
        post_migrate.connect(_grant_roles, sender=self)


def _grant_roles(**kwargs: Any) -> None:
    from engagements.permissions import GRANTS, grant

    # A partial migration may stop before the permissions exist.
    if kwargs.get("plan") is not None and not _is_complete(kwargs["apps"]):
        return
    grant(GRANTS, "engagements")


def _is_complete(apps: Any) -> bool:
    return (
        "engagements" in apps.all_models and "event" in apps.all_models["engagements"]
    )
