from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from engagements.values import language

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


# Here and not in Meta, where each name would be a migration.
NAMES = {
    "department": (_("department"), _("departments")),
    "costcentre": (_("cost centre"), _("cost centres")),
    "service": (_("service"), _("services")),
    "engagement": (_("engagement"), _("engagements")),
    "costsplit": (_("cost split"), _("cost splits")),
    "costsplitshare": (_("share"), _("shares")),
    "changeorder": (_("change order"), _("change orders")),
    "document": (_("document"), _("documents")),
    "managedcontract": (_("managed-service contract"), _("managed-service contracts")),
    "feeterm": (_("fee"), _("fees")),
    "charge": (_("charge"), _("charges")),
    "servicelevel": (_("service level"), _("service levels")),
    "creditstep": (_("credit step"), _("credit steps")),
    "namedworker": (_("named worker"), _("named workers")),
    "skill": (_("skill"), _("skills")),
    "contractor": (_("contractor"), _("contractors")),
    "assignment": (_("augmented contractor"), _("augmented contractors")),
    "rateterm": (_("rate"), _("rates")),
    "event": (_("event"), _("events")),
    "approvalrule": (_("approval rule"), _("approval rules")),
    "approval": (_("approval"), _("approvals")),
    "checklisttemplate": (_("checklist template"), _("checklist templates")),
    "checklisttask": (_("task"), _("tasks")),
    "vendor": (_("vendor"), _("vendors")),
    "vendorcontact": (_("contact"), _("contacts")),
    "departure": (_("departure"), _("departures")),
}


def name_models(
    app: AppConfig, names: Mapping[str, "tuple[StrPromise, StrPromise]"]
) -> None:
    """Name models for people, one and many, and what points to them after them."""
    for model, (one, many) in names.items():
        meta = app.get_model(model)._meta
        meta.verbose_name, meta.verbose_name_plural = one, many
    for each in app.get_models():
        for field in each._meta.local_fields:
            related = field.related_model
            if related and not isinstance(related, str) and _takes_its_name(field):
                field.verbose_name = related._meta.verbose_name or field.name


def _takes_its_name(field: Any) -> bool:
    return (
        field._verbose_name is None
        and field.name == field.related_model._meta.model_name
    )


class ReadersLanguage:
    """What pure modules say, by the catalogues of the language that is active."""

    def gettext(self, message: str, /) -> str:
        return translation.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        return translation.ngettext(singular, plural, number)

    def locale(self) -> str:
        return translation.to_locale(
            translation.get_language() or settings.LANGUAGE_CODE
        )


class EngagementsConfig(AppConfig):
    name = "engagements"
    verbose_name = _("Engagements")

    def ready(self) -> None:
        # Models can be read from here on.
        from engagements.events import recorded
        from engagements.services.contractors import follow_work

        name_models(self, NAMES)
        language.speak(ReadersLanguage())
        recorded.connect(follow_work, dispatch_uid="follow contractors' work")
        post_migrate.connect(_grant_roles, sender=self)


def _grant_roles(**kwargs: Any) -> None:
    from engagements.permissions import GRANTS, grant

    # A partial migration may stop before the permissions exist.
    if "event" in kwargs.get("apps", all_apps).all_models["engagements"]:
        grant(GRANTS, "engagements")
