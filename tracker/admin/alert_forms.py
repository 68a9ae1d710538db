"""How a person says what to be told of, and how."""

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from tracker.notify.choices import Channel, DateKind, Frequency, Topic, Weekday
from tracker.notify.due import ESCALATED_AT, THRESHOLDS
from tracker.notify.preferences import Wishes

if TYPE_CHECKING:
    CheckboxesWidget = forms.CheckboxSelectMultiple
    RadiosWidget = forms.RadioSelect
    SelectWidget = forms.Select
else:
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as CheckboxesWidget,
    )
    from unfold.widgets import UnfoldAdminRadioSelectWidget as RadiosWidget
    from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget

_CHOSEN_THRESHOLDS = [each for each in THRESHOLDS if each != ESCALATED_AT]


def _thresholds() -> list[tuple[int, str]]:
    return [
        (days, _now("%(days)d days") % {"days": days}) for days in _CHOSEN_THRESHOLDS
    ]


def _zones() -> list[tuple[str, str]]:
    """Return the zones that are places; the product's own comes first."""
    own = _now("As the product: %(zone)s") % {
        "zone": timezone.get_default_timezone_name()
    }
    places = sorted(
        name
        for name in available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))
    )
    return [("", own), *((name, name.replace("_", " ")) for name in places)]


class PreferenceForm(forms.Form):
    channel = forms.ChoiceField(
        label=_("You are told"), choices=Channel.choices, widget=RadiosWidget()
    )
    frequency = forms.ChoiceField(
        label=_("How often"), choices=Frequency.choices, widget=SelectWidget()
    )
    digest_weekday = forms.TypedChoiceField(
        label=_("On"), coerce=int, choices=Weekday.choices, widget=SelectWidget()
    )
    digest_hour = forms.TypedChoiceField(
        label=_("At"),
        coerce=int,
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        widget=SelectWidget(),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, choices=_zones, widget=SelectWidget()
    )
    kinds = forms.MultipleChoiceField(
        label=_("Dates"),
        required=False,
        choices=DateKind.choices,
        widget=CheckboxesWidget(),
        help_text=_("What you leave out still comes when it is 7 days away."),
    )
    thresholds = forms.TypedMultipleChoiceField(
        label=_("How long before"),
        required=False,
        coerce=int,
        choices=_thresholds,
        widget=CheckboxesWidget(),
        help_text=_("And always at 7 days."),
    )
    topics = forms.MultipleChoiceField(
        label=_("A mail at once about"),
        required=False,
        choices=Topic.choices,
        widget=CheckboxesWidget(),
        help_text=_("In the product you are told of all of them."),
    )

    def __init__(
        self, data: QueryDict | None, *, wishes: Wishes, sees_jobs: bool
    ) -> None:
        initial = {
            "channel": wishes.channel,
            "frequency": wishes.frequency,
            "digest_weekday": wishes.digest_weekday,
            "digest_hour": wishes.digest_hour,
            "time_zone": wishes.time_zone,
            "kinds": [k for k in DateKind.values if k not in wishes.kinds_left_out],
            "thresholds": [
                d for d in _CHOSEN_THRESHOLDS if d not in wishes.thresholds_left_out
            ],
            "topics": [t for t in Topic.values if t in wishes.mailed_topics],
        }
        super().__init__(data, initial=initial)
        if not sees_jobs:
            topics = self.fields["topics"]
            assert isinstance(topics, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
            topics.choices = [each for each in Topic.choices if each[0] != Topic.JOBS]

    def values(self) -> dict[str, Any]:
        """Return the preference's fields; what isn't chosen is what is left out."""
        chosen = self.cleaned_data
        return {
            "channel": chosen["channel"],
            "frequency": chosen["frequency"],
            "digest_weekday": chosen["digest_weekday"],
            "digest_hour": chosen["digest_hour"],
            "time_zone": chosen["time_zone"],
            "kinds_left_out": [k for k in DateKind.values if k not in chosen["kinds"]],
            "thresholds_left_out": [
                d for d in _CHOSEN_THRESHOLDS if d not in chosen["thresholds"]
            ],
            "mailed_topics": [t for t in Topic.values if t in chosen["topics"]],
        }
