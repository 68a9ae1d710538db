"""A dialog that knows what the engagement was when it was opened."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from engagements.admin.conflict import latest_event_id, told_since
from engagements.admin.record_admin import actor_of
from engagements.models import Engagement

if TYPE_CHECKING:

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.forms import BaseDialogForm as _Dialog


class OpenedDialog(_Dialog):
    """Tells what somebody else changed since it was opened, and asks once more."""

    form_before_template = "engagements/admin/effect.html"

    # The engagement's version and the latest event of that moment: "3:1204".
    opened_with = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.note = ""
        self.changes: list[str] = []
        if not self.is_bound:
            self.initial["opened_with"] = self._now()

    @cached_property
    def engagement(self) -> Engagement:
        return Engagement.objects.visible_to(self.request.user).get(pk=self.object_id)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        version, event = opened_with(cleaned.get("opened_with"))
        if version is not None and version != self.engagement.version:
            self.changes = told_since(
                self.engagement, since=event, user=actor_of(self.request)
            )
            self.note = _("It was changed while this was open. Press again to go on.")
            self.add_error(None, self.note)
            self.data = with_value(self.data, "opened_with", self._now())
        return cleaned

    def _now(self) -> str:
        # Read in this order, so that no change falls between the two.
        latest = latest_event_id()
        return f"{self.engagement.version}:{latest}"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        return {"note": self.note, "told_changes": self.changes}


def is_pressed(request: HttpRequest) -> bool:
    """Whether a dialog was sent, whose answer says what stands in the way now."""
    return request.method == "POST" and "_form_submitted" in request.POST


def opened_with(value: Any) -> tuple[int | None, int | None]:
    """Return version and event that a dialog was opened with, where it says so."""
    version, _colon, event = str(value or "").partition(":")
    if version.isdecimal() and event.isdecimal() and len(version + event) < 30:
        return int(version), int(event)
    return None, None


def with_value(data: Any, name: str, value: str) -> QueryDict:
    changed: QueryDict = data.copy()
    changed[name] = value
    return changed
