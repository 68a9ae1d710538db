"""What each type of event is called, for people.

A type that nobody named is told by its record's name and its verb.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_WORDS: dict[str, Any] = {}

# What services write of any record: see services/records.py.
_VERBS = {
    "created": gettext_lazy("%(record)s added"),
    "changed": gettext_lazy("%(record)s changed"),
    "deleted": gettext_lazy("%(record)s deleted"),
}


def tell(words: Mapping[str, Any]) -> None:
    """Say what types of events are called; each is said once."""
    for event_type, text in words.items():
        if event_type in _WORDS:
            raise ImproperlyConfigured(f"{event_type} is told already.")
        _WORDS[event_type] = text


def has_words(event_type: str) -> bool:
    """Say whether the type has words of its own, or those of a record and its verb."""
    noun, verb = event_type.partition(".")[::2]
    return event_type in _WORDS or (verb in _VERBS and model_of(noun) is not None)


def words_for(event_type: str, subject_type: str) -> str:
    known = _WORDS.get(event_type)
    if known is not None:
        return str(known)
    noun, verb = event_type.partition(".")[::2]
    model = model_of(noun) or model_of(subject_type)
    if verb in _VERBS and model is not None:
        return capfirst(_VERBS[verb] % {"record": model._meta.verbose_name})
    field_name = verb.removesuffix("_set")
    if model is not None and field_name != verb:
        return _("%(what)s changed") % {"what": capfirst(field_name.replace("_", " "))}
    return str(capfirst(event_type.replace(".", ": ").replace("_", " ")))


def model_of(subject_type: str) -> type[models.Model] | None:
    """Return the model that an event's subject is of."""
    for config in apps.get_app_configs():
        model = config.models.get(subject_type)
        if model is not None:
            return model
    return None


tell(
    {
        "engagement.logged": gettext_lazy("Engagement logged"),
        "engagement.changed": gettext_lazy("Engagement changed"),
        "engagement.started": gettext_lazy("Engagement started"),
        "engagement.ended": gettext_lazy("Engagement ended"),
        "engagement.terminated": gettext_lazy("Engagement terminated"),
        "engagement.cancelled": gettext_lazy("Engagement cancelled"),
        "engagement.renewed": gettext_lazy("Engagement renewed"),
        "engagement.extended": gettext_lazy("Engagement extended"),
        "engagement.notice_window_opened": gettext_lazy("Notice to be decided"),
        "engagement.ending_soon": gettext_lazy("Term ends soon"),
        "contractor.skills_set": gettext_lazy("Skills changed"),
        "contractor.ended": gettext_lazy("Contractor's last engagement ended"),
        "engagement.notice_given": gettext_lazy("Notice given"),
        "engagement.term_rolled": gettext_lazy("Renewed by itself"),
        "engagement.terms_amended": gettext_lazy("New fee"),
        "engagement.rate_changed": gettext_lazy("New rate"),
        "engagement.cost_split_set": gettext_lazy("Cost split set"),
        "engagement.taken_over": gettext_lazy("Taken over, as running already"),
        "engagement.converted": gettext_lazy("Converted to the other model"),
        "engagement.onboarding_started": gettext_lazy("On-boarding began"),
        "engagement.offboarding_started": gettext_lazy("Off-boarding began"),
        "engagement.tenure_exceeded": gettext_lazy("Renewed beyond a tenure limit"),
        "change_order.recorded": gettext_lazy("Change order recorded"),
        "change_order.took_effect": gettext_lazy("Change order in force"),
        "change_order.rejected": gettext_lazy("Change order rejected"),
        "change_order.withdrawn": gettext_lazy("Change order withdrawn"),
        "engagement.submitted": gettext_lazy("Sent for approval"),
        "engagement.withdrawn": gettext_lazy("Withdrawn from approval"),
        "engagement.sent_back": gettext_lazy("Sent back"),
        "approval.asked": gettext_lazy("Approval asked for"),
        "approval.given": gettext_lazy("Approved"),
        "approval.rejected": gettext_lazy("Rejected"),
        "approval.withdrawn": gettext_lazy("Approval taken back"),
        "document.attached": gettext_lazy("Document attached"),
        "document.replaced": gettext_lazy("New version of a document"),
        "document.removed": gettext_lazy("Document removed"),
        "document.downloaded": gettext_lazy("Document downloaded"),
        "access.granted": gettext_lazy("Access granted"),
        "access.removed": gettext_lazy("Access removed"),
        "task.added": gettext_lazy("Task added"),
        "task.reassigned": gettext_lazy("Task given to somebody"),
        "task.begun": gettext_lazy("Task begun"),
        "task.stuck": gettext_lazy("Task stuck"),
        "task.done": gettext_lazy("Task done"),
        "task.dismissed": gettext_lazy("Task not applicable"),
        "task.reopened": gettext_lazy("Task opened again"),
        "task.due_day_moved": gettext_lazy("Task due on another day"),
        "user.password_set": gettext_lazy("Password set"),
        "manager.left": gettext_lazy("Manager left, with live engagements"),
        "contractor.gone": gettext_lazy("Contractor gone from the feed"),
        "departure.settled": gettext_lazy("Departure settled"),
        "vendor.registered": gettext_lazy("Vendor registered"),
    }
)
