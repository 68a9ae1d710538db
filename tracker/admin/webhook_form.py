"""A webhook endpoint as a form: types of events are ticked, by what they are about."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import RecordForm
from tracker.webhooks.public_types import PUBLIC_TYPES
from tracker.webhooks.services.endpoints import LONGEST_OVERLAP, PREVIOUS_VALID

if TYPE_CHECKING:
    CheckboxesWidget = forms.CheckboxSelectMultiple
    NumberInput = forms.NumberInput
    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as CheckboxesWidget,
    )
    from unfold.widgets import UnfoldAdminIntegerFieldWidget as NumberInput

HOUR = 3600


class TypesWidget(CheckboxesWidget):
    template_name = "tracker/admin/event_types.html"


def type_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every type by the noun it is about."""
    return [
        (
            str(capfirst(noun.replace("_", " "))),
            [(each.name, str(each.label)) for each in types],
        )
        for noun, types in groupby(PUBLIC_TYPES.values(), key=lambda each: each.noun)
    ]


class EndpointForm(RecordForm):
    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=type_choices,
        widget=TypesWidget(),
        help_text=gettext_lazy("Messages name the record and what changed, no values."),
    )

    def clean_event_types(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["event_types"]
        return chosen


class YesDialog(_Dialog):
    """Only asks for a yes."""


class RotateDialog(_Dialog):
    hours = forms.IntegerField(
        label=gettext_lazy("Hours the present secret stays valid"),
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds() // HOUR),
        initial=int(PREVIOUS_VALID.total_seconds() // HOUR),
        widget=NumberInput(),
        help_text=gettext_lazy(
            "Until then each message carries a signature by both. 0 if it has leaked."
        ),
    )


def short_moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")


def overlap_of(form: forms.Form) -> timedelta:
    return timedelta(hours=form.cleaned_data["hours"])


def labels_of(names: list[Any]) -> list[str]:
    """Return what the types are called; one that is no more, by its name."""
    found = [PUBLIC_TYPES.get(str(name)) for name in names]
    return [
        str(each.label) if each else _("%(name)s (no more)") % {"name": name}
        for each, name in zip(found, names, strict=True)
    ]
